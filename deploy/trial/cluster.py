"""The PostgreSQL cluster: on each of three nodes etcd, Patroni, and the server that it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import httpx
import psutil
import psycopg

from deploy.trial.places import NODES, POSTGRESQL, Places
from deploy.trial.processes import Processes
from deploy.trial.waiting import until

STANDBYS = len(NODES) - 1


class Cluster:
    """Three nodes that elect a primary among themselves."""

    def __init__(self, places: Places, processes: Processes, *, synchronous: bool) -> None:
        self.places, self.processes, self.synchronous = places, processes, synchronous
        self.http = httpx.Client(timeout=2, trust_env=False)

    def start(self) -> None:
        for node in NODES:
            self.start_etcd(node)
        until("etcd has a leader", self._etcd_is_healthy)
        for node in NODES:
            self.start_patroni(node)
        self.wait_until_whole()

    def start_node(self, node: int) -> None:
        """Start a node again that was lost; it finds its place by itself."""
        self.start_etcd(node)
        self.start_patroni(node)

    def start_etcd(self, node: int) -> None:
        here, peers = self.places.etcd(node), self.places.etcd_peer
        members = ",".join(f"etcd{n}=http://127.0.0.1:{peers(n)}" for n in NODES)
        self.processes.start(
            f"etcd{node}",
            [
                *("etcd", "--name", f"etcd{node}", "--data-dir", f"etcd{node}"),
                *("--listen-client-urls", f"http://127.0.0.1:{here}"),
                *("--advertise-client-urls", f"http://127.0.0.1:{here}"),
                *("--listen-peer-urls", f"http://127.0.0.1:{peers(node)}"),
                *("--initial-advertise-peer-urls", f"http://127.0.0.1:{peers(node)}"),
                *("--initial-cluster", members, "--initial-cluster-token", "trial"),
                *("--heartbeat-interval", "250", "--election-timeout", "2500"),
                *("--logger", "zap", "--log-level", "warn"),
            ],
        )

    def start_patroni(self, node: int) -> None:
        file = self.places.write(
            f"patroni{node}.yml",
            "patroni.yml",
            name=f"node{node}",
            rest_port=self.places.patroni(node),
            etcd_hosts=", ".join(f"'127.0.0.1:{self.places.etcd(n)}'" for n in NODES),
            port=self.places.postgres(node),
            data=self.places.data(node),
            programs=POSTGRESQL,
            synchronous=str(self.synchronous).lower(),
            password=self.places.password,
        )
        self.processes.give(file)
        self.processes.start(f"patroni{node}", ["patroni", file])

    def lose(self, node: int) -> None:
        """Lose the machine: etcd, Patroni, PostgreSQL and all its backends, by SIGKILL."""
        self.processes.kill(f"patroni{node}", f"etcd{node}", f"node{node}")

    def stall_replication(self, node: int) -> None:
        """Let nothing of what this primary writes reach its replicas any more."""
        with self.superuser(node) as connection:
            senders = connection.execute("SELECT pid FROM pg_stat_replication").fetchall()
        for (pid,) in senders:
            psutil.Process(pid).suspend()

    def primary(self) -> int | None:
        """Return the node that is the primary and says so."""
        return next((node for node in NODES if self._answers(node, "primary")), None)

    def standbys(self) -> list[int]:
        return [node for node in NODES if self._answers(node, "replica")]

    def wait_until_whole(self) -> int:
        """Wait for a primary with two replicas, one synchronous if asked; return the primary."""
        until("the cluster is whole", self._is_whole, seconds=180)
        return int(self.primary() or 0)

    def synchronous_standby(self) -> int | None:
        return next((node for node in NODES if self._answers(node, "sync")), None)

    def transactions_on_standbys(self) -> int:
        """Return how many transactions the replicas have served, as far as they have counted."""
        total = 0
        for node in self.standbys():
            with self.superuser(node) as connection:
                row = connection.execute(
                    "SELECT xact_commit FROM pg_stat_database WHERE datname = 'mimivibes'"
                ).fetchone()
                total += row[0] if row else 0
        return total

    def wal_position(self) -> int:
        """Return how many bytes of write-ahead log the cluster has ever written."""
        return self._number("SELECT pg_current_wal_lsn() - '0/0'")

    def connections_of_the_app(self) -> int:
        """Return how many connections the app has on the primary, through PgBouncer."""
        return self._number("SELECT count(*) FROM pg_stat_activity WHERE usename = 'mimivibes'")

    def on_primary(self, database: str = "mimivibes") -> psycopg.Connection[Any]:
        """Connect to the primary, past all proxies; nobody answers if there is none."""
        return self.superuser(self.primary() or 0, database)

    def superuser(self, node: int, database: str = "mimivibes") -> psycopg.Connection[Any]:
        """Connect to one node, past all proxies."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.places.postgres(node),
            user="postgres",
            password=self.places.password,
            dbname=database,
            autocommit=True,
        )

    def create_database(self) -> None:
        with self.on_primary("postgres") as connection:
            connection.execute(
                f"CREATE ROLE mimivibes LOGIN PASSWORD '{self.places.password}'".encode()
            )
            connection.execute("CREATE DATABASE mimivibes OWNER mimivibes")

    @contextmanager
    def connected(self) -> Iterator[dict[int, psycopg.Connection[Any]]]:
        """Give a connection to each node."""
        connections = {node: self.superuser(node) for node in NODES}
        try:
            yield connections
        finally:
            for connection in connections.values():
                connection.close()

    def _etcd_is_healthy(self) -> bool:
        return self._ok(f"http://127.0.0.1:{self.places.etcd(1)}/health")

    def _is_whole(self) -> bool:
        is_protected = not self.synchronous or self.synchronous_standby() is not None
        has_all = self.primary() is not None and len(self.standbys()) == STANDBYS
        return is_protected and has_all and self._all_stream()

    def _all_stream(self) -> bool:
        streaming = self._number(
            "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
            " AND application_name LIKE 'node%'",
            database="postgres",
        )
        return streaming == STANDBYS

    def _number(self, query: LiteralString, *, database: str = "mimivibes") -> int:
        with self.on_primary(database) as connection:
            row = connection.execute(query).fetchone()
        return int(row[0]) if row else 0

    def _answers(self, node: int, role: str) -> bool:
        return self._ok(f"http://127.0.0.1:{self.places.patroni(node)}/{role}")

    def _ok(self, url: str) -> bool:
        try:
            return self.http.get(url).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False
