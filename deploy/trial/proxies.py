"""What stands between callers and the app, and between the app and the database."""

from deploy.trial.places import GROUPS, NODES, Places
from deploy.trial.processes import Processes


def start_database_proxies(places: Places, processes: Processes) -> None:
    """Start HAProxy (which node is the primary?), PgBouncer (few connections) and Redis."""
    nodes = "\n".join(
        f"    server node{n} 127.0.0.1:{places.postgres(n)} check port {places.patroni(n)}"
        for n in NODES
    )
    ports = {"primary_port": places.primary, "replicas_port": places.replicas}
    haproxy = places.write("haproxy.cfg", "haproxy.cfg", nodes=nodes, **ports)
    users = places.write_text("pgbouncer-users.txt", f'"mimivibes" "{places.password}"\n')
    pgbouncer = places.write("pgbouncer.ini", "pgbouncer.ini", port=places.pgbouncer, **ports)
    processes.give(haproxy, users, pgbouncer)
    processes.start("haproxy", ["haproxy", "-db", "-f", haproxy])
    processes.start("pgbouncer", ["pgbouncer", pgbouncer])
    start_redis(places, processes)


def start_redis(places: Places, processes: Processes) -> None:
    """Start the counter of requests, which keeps nothing on disk."""
    port = ("--bind", "127.0.0.1", "--port", str(places.redis))
    processes.start("redis", ["redis-server", *port, "--save", "", "--appendonly", "no"])


def start_nginx(places: Places, processes: Processes) -> None:
    """Start the proxy before the app groups."""
    groups = "\n".join(
        f"        server 127.0.0.1:{places.group(n)} max_fails=1 fail_timeout=2s;" for n in GROUPS
    )
    file = places.write(
        "nginx.conf",
        "nginx.conf",
        groups=groups,
        first_group=places.group(GROUPS[0]),
        port=places.nginx,
        one_group_port=places.nginx_one_group,
    )
    processes.give(file)
    processes.start("nginx", ["nginx", "-e", "stderr", "-p", places.folder, "-c", file])
