"""Each request has an id and one line, which says who asked for what by no name."""

import json
import logging
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client, RequestFactory, override_settings

from mimivibes.logs.discretion import log_user
from mimivibes.logs.formatters import JsonLine
from mimivibes.middleware import TrustedProxyMiddleware
from tests.people import Browser, Person
from tests.referrals.back_end import BackEnd

pytestmark = pytest.mark.django_db
PROXY = "10.0.0.1"
REQUEST = uuid.UUID("a1f0c2d3-0000-4000-8000-00000000beef")


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    """Lines of the access log, as they are written while the request is served."""
    kept: list[dict[str, Any]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(json.loads(self.format(record)))

    handler = Keep()
    handler.setFormatter(JsonLine())
    logger = logging.getLogger("mimivibes.access")
    logger.addHandler(handler)
    yield kept
    logger.removeHandler(handler)


def test_a_person_is_named_by_their_hash(lines: list[dict[str, Any]], ploy: Person) -> None:
    Browser().sign_in(ploy).get("me?ref=SUMMER")

    (line,) = lines
    assert line.pop("duration_ms") > 0
    assert {name: line[name] for name in ("method", "route", "status", "user")} == {
        "method": "GET",
        "route": "api/v1/me",
        "status": 200,
        "user": log_user(ploy.clerk_id),
    }
    assert "SUMMER" not in str(line)
    assert ploy.clerk_id not in str(line)


def test_operators_can_tell_the_hash(ploy: Person, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("log_user", ploy.clerk_id)

    assert capsys.readouterr().out == f"{log_user(ploy.clerk_id)}\n"


def test_a_service_is_named(lines: list[dict[str, Any]], back_end: BackEnd, ploy: Person) -> None:
    back_end.report(ploy)

    assert lines[0]["service"] == "web app"


def test_staff_are_known_by_their_row(lines: list[dict[str, Any]], aree: Client) -> None:
    aree.get("/admin/")

    assert isinstance(lines[-1]["staff"], int)
    assert "aree" not in str(lines[-1])


def test_an_unknown_path_is_not_told(lines: list[dict[str, Any]]) -> None:
    Client().get("/codes/SUMMER/")
    Client().generic("SUMMER", "/static/SUMMER.css")

    assert [(line["method"], line["route"]) for line in lines] == [
        ("GET", "unknown"),
        ("other", "static"),
    ]
    assert "SUMMER" not in str(lines)


def test_health_has_no_line(lines: list[dict[str, Any]]) -> None:
    Client().get("/livez")
    Client().get("/readyz")

    assert lines == []


def answered_id(sent: str, *, peer: str = PROXY) -> str:
    with override_settings(TRUSTED_PROXIES=[PROXY]):
        client = Client(REMOTE_ADDR=peer, headers={"X-Request-ID": sent})
        return client.get("/nothing")["X-Request-ID"]


@pytest.mark.parametrize("sent", [REQUEST.hex, str(REQUEST)])
def test_a_proxys_id_is_kept(sent: str, lines: list[dict[str, Any]]) -> None:
    assert answered_id(sent) == sent
    assert lines[0]["request_id"] == sent


@pytest.mark.parametrize(
    "sent",
    ["", "SUMMER2026", "eyJhbGciOi.eyJzdWIi.c2ln", "a" * 15, "a" * 65, "-" * 32, "ab\tcd" * 8],
)
def test_an_id_of_another_form_is_replaced(sent: str) -> None:
    assert answered_id(sent) != sent
    assert len(answered_id(sent)) == 32


def test_a_strangers_id_is_replaced() -> None:
    sent = uuid.uuid4().hex

    assert answered_id(sent, peer="198.51.100.1") != sent


def test_a_strangers_trace_is_not_believed() -> None:
    request = RequestFactory().get("/", headers={"traceparent": "00-a-b-01", "baggage": "a=b"})
    TrustedProxyMiddleware(lambda request: None)(request)  # type: ignore[arg-type,return-value]

    assert not {"HTTP_TRACEPARENT", "HTTP_BAGGAGE"} & request.META.keys()


def test_problems_have_the_id_in_their_header() -> None:
    response = Client().get("/api/v1/me")

    assert response.status_code == 401
    assert len(response["X-Request-ID"]) == 32
