"""What deploys it: image, compose, systemd units, the table of settings. All they name is there."""

import ast
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from mimivibes.environment import BASE_DIR
from mimivibes.middleware import OF_PROXIES_ALONE

DEPLOY = BASE_DIR / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((BASE_DIR / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
CONTAINERFILES = [BASE_DIR / "Containerfile", DEPLOY / "pgbouncer" / "Containerfile"]
SCRIPTS = [
    path
    for name in ("serve", "enter", "make-secrets", "postgres/roles.sh")
    for path in [DEPLOY / name]
]
NO_SETTINGS = {
    *("PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "ENV_FILE"),
    # Not for an operator: an empty one in a copy of the example would undo the image's.
    "PROMETHEUS_MULTIPROC_DIR",
    # One of those that OpenTelemetry has by the dozen; the example says so.
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
}
ASKS = re.compile(r"env(\.\w+)?|os\.environ\.get")
ROW = re.compile(r"^\| `([A-Z_]+)` \| ([^|]*)\| ([^|]*)\| ([^|]*)\| [^|]+ \|$", re.MULTILINE)


def example() -> dict[str, str]:
    """Return the variables of `.env.example`, with the values that it gives them."""
    lines = (BASE_DIR / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))


def table() -> dict[str, str]:
    """Return the variables of the table in docs/deployment.md, with their defaults."""
    page = (BASE_DIR / "docs" / "deployment.md").read_text()
    return {name: default.strip().strip("`") for name, _, default, _ in ROW.findall(page)}


def read_by_the_code() -> set[str]:
    """Return the variables that the settings ask for, and those that `deploy/serve` does."""
    asked = set(re.findall(r"\$\{([A-Z_]+):-", (DEPLOY / "serve").read_text()))
    for path in (BASE_DIR / "mimivibes").rglob("*.py"):
        asked.update(_asked_for(ast.parse(path.read_bytes())))
    return asked - NO_SETTINGS


def _asked_for(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=asks, args=[ast.Constant(value=str(name)), *_]):
                if ASKS.fullmatch(ast.unparse(asks)):
                    yield name


def named(environment: dict[str, str]) -> set[str]:
    """Return the settings that an environment sets, those by `X_FILE` as `X`."""
    return {name.removesuffix("_FILE") for name in environment if name not in NO_SETTINGS}


def is_the_app(service: dict[str, Any]) -> bool:
    return bool(service["image"] == SERVICES["app-1"]["image"])


def test_the_example_lists_every_variable_that_is_read_and_no_other() -> None:
    assert set(example()) == read_by_the_code()


def test_the_table_lists_the_variables_of_the_example_with_their_defaults() -> None:
    assert table() == example()


def test_every_setting_that_a_deployment_sets_is_one() -> None:
    for service in SERVICES.values():
        if is_the_app(service):
            assert named(service["environment"]) <= set(example())
    for unit in [*UNITS, *(DEPLOY / "systemd").glob("*/*.conf")]:
        assert named(environment_of(unit)) <= set(example()), unit


def environment_of(unit: Path) -> dict[str, str]:
    lines = re.findall(r"^Environment=(.*)$", unit.read_text(), re.MULTILINE)
    return dict(pair.split("=", 1) for line in lines for pair in shlex.split(line))


def test_a_credential_is_loaded_for_each_secret_of_the_units() -> None:
    common = DEPLOY / "systemd" / "referrals-.service.d" / "common.conf"
    loaded = set(re.findall(r"^LoadCredential=(\w+):", common.read_text(), re.MULTILINE))

    files = {Path(v).name for n, v in environment_of(common).items() if n.endswith("_FILE")}

    assert files == loaded


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_what_is_there(unit: Path) -> None:
    (command,) = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)

    words = [word.removeprefix("/srv/referrals/") for word in command.split()]

    if words[0].startswith("deploy/"):
        assert (BASE_DIR / words[0]).is_file()
    else:
        assert re.search(r"manage\.py (\w+)", " ".join(words)).group(1) in get_commands()  # type: ignore[union-attr]


def test_a_service_runs_a_command_that_is_there() -> None:
    for name, service in SERVICES.items():
        if is_the_app(service) and "command" in service:
            assert service["command"][0] in {*get_commands(), "help"}, name


def test_every_image_is_pinned_to_a_series() -> None:
    images = [service["image"] for service in SERVICES.values() if "build" not in service]
    for path in CONTAINERFILES:
        images += re.findall(r"^FROM (\S+)", path.read_text(), re.MULTILINE)

    assert images
    for image in images:
        assert re.search(r"^docker\.io/.+:(\d+(\.\d+)?-\w+|\w+-slim)", image), image


def test_what_is_mounted_and_copied_is_there() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (BASE_DIR / source).is_file(), source
    allowed = (BASE_DIR / ".containerignore").read_text().splitlines()
    for line in allowed:
        if line.startswith("!"):
            assert (BASE_DIR / line[1:]).exists(), line
    assert (BASE_DIR / ".dockerignore").read_text().splitlines() == allowed


def test_a_copy_of_the_example_undoes_nothing_that_the_image_sets() -> None:
    image = (BASE_DIR / "Containerfile").read_text()
    sets = set(re.findall(r"([A-Z_]+)=", image.split("\nENV ")[1].split("\nUSER ")[0]))

    assert sets & set(example()) <= set(SERVICES["app-1"]["environment"])


def test_what_the_server_is_started_with_goes_into_the_image() -> None:
    scripts = "".join((DEPLOY / name).read_text() for name in ("serve", "enter"))
    image = (BASE_DIR / "Containerfile").read_text()

    needed = set(re.findall(r"\bdeploy/[\w.-]+", scripts + image.split("ENV PATH")[1]))

    assert {f"!{path}" for path in needed} <= set(
        (BASE_DIR / ".containerignore").read_text().splitlines()
    )


def test_every_package_goes_into_the_image() -> None:
    packages = {path.parent.name for path in BASE_DIR.glob("*/__init__.py")} - {"tests"}

    assert {f"!{name}" for name in packages} <= set(
        (BASE_DIR / ".containerignore").read_text().splitlines()
    )


def test_every_secret_is_declared_and_made() -> None:
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    script = (DEPLOY / "make-secrets").read_text()

    assert used == set(COMPOSE["secrets"])
    assert all(re.search(rf"\b{secret}\b", script) for secret in used)


def user_of(containerfile: Path) -> str:
    """Return who runs in the image: whom its last USER names."""
    return str(re.findall(r"^USER (\S+)$", containerfile.read_text(), re.MULTILINE)[-1])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_not_roots(name: str) -> None:
    service = SERVICES[name]
    if "user" in service:
        user = service["user"]
    else:
        build = service["build"]
        user = user_of(BASE_DIR / build["context"] / build["dockerfile"])

    assert int(user.split(":")[0]) > 0


def test_the_image_says_how_its_health_is_asked() -> None:
    image = (BASE_DIR / "Containerfile").read_text()

    (check,) = re.findall(r'^HEALTHCHECK .* CMD \["(\S+)"\]$', image, re.MULTILINE)

    assert (BASE_DIR / check).stat().st_mode & 0o111


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_little_and_use_up_little(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"])
    assert service["logging"]["options"]["max-size"]
    assert service["restart"] in {"unless-stopped", "on-failure:5", "no"}
    assert "healthcheck" in service


def test_only_the_proxy_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert SERVICES["db"]["networks"] == ["data"]
    assert COMPOSE["networks"]["data"] == {"internal": True}


def test_the_proxy_alone_is_believed_and_finds_each_replica() -> None:
    replicas = [name for name in SERVICES if name.startswith("app-")]
    servers = re.findall(r"^\s+server (\S+):8000 ", (DEPLOY / "proxy/nginx.conf").read_text(), re.M)

    proxy = SERVICES["proxy"]["networks"]["edge"]["ipv4_address"]

    assert servers == replicas
    assert len(replicas) == 2
    assert {SERVICES[name]["environment"]["TRUSTED_PROXIES"] for name in replicas} == {proxy}


def test_the_server_is_started_in_one_way() -> None:
    assert "exec deploy/serve" in (BASE_DIR / "Makefile").read_text()
    assert "exec deploy/serve" in (DEPLOY / "enter").read_text()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_script_can_be_run_and_read_by_the_shell(script: Path) -> None:
    assert script.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", str(script)], check=True)


def test_the_proxy_passes_on_no_visitors_word_in_what_is_believed_of_it() -> None:
    proxy = (DEPLOY / "proxy/nginx.conf").read_text()
    said = dict(re.findall(r"^  proxy_set_header (\S+) (\S+);$", proxy, re.M))

    values = {said.get(header[5:].replace("_", "-").title()) for header in OF_PROXIES_ALONE[1:]}
    assert said["X-Request-ID"] == "$request_id"
    assert values == {'""'}
    assert len(re.findall(r"^ {3,}proxy_set_header", proxy, re.M)) == 0, "That would replace these."


def test_the_proxy_tries_the_other_replica_when_an_address_is_gone() -> None:
    tries = re.findall(r"proxy_next_upstream (.*);", (DEPLOY / "proxy/nginx.conf").read_text())

    assert tries == ["error timeout", "error timeout non_idempotent"]
