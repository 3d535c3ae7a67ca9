"""A real server with two workers: what it logs, counts, traces and reports."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from django.conf import settings
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from tests.clerk import session_token
from tests.monitoring.collector import Collector
from tests.server import database_url, running_server
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)  # what the server has stored goes again

CLERK_ID = "user_2abcDEF3ghiJKL4mnoPQR5stu"
EMAIL = "ploy.secret@example.com"
CODE = "PLOY2026"
COOKIE = "a-cookie-that-nobody-may-read"
REQUEST_ID = "0af7651916cd43dd8448eb211c80319c"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
HOSTILE = (CLERK_ID, EMAIL, CODE, COOKIE, "203.0.113.77", "Agent/9.9")
METRICS = {"Authorization": "Bearer long enough"}


@dataclass
class Watched:
    """The server, what it printed, what it sent, and the token that was used."""

    http: httpx.Client
    log: Path
    collector: Collector
    token: str

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        text = self.http.get("/metrics", headers=METRICS).text
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def sample(self, name: str, **labels: str) -> float:
        return self.samples().get((name, frozenset(labels.items())), 0.0)


@pytest.fixture(scope="module")
def watched(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    (folder / "metrics").mkdir()
    with Collector() as collector, (folder / "log").open("wb") as output:
        env = {
            "DJANGO_SETTINGS_MODULE": "tests.monitoring.settings",
            "DATABASE_URL": database_url(settings.DATABASES["default"]["NAME"]),
            "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
            "METRICS_TOKEN": "long enough",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "SENTRY_DSN": collector.url.replace("//", "//public@") + "/1",
        }
        with running_server(env, workers=2, output=output) as base_url:
            transport = httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))
            http = httpx.Client(base_url=base_url, transport=transport, trust_env=False)
            token = session_token(CLERK_ID, email=EMAIL)
            watched = Watched(http, folder / "log", collector, token)
            _visit(watched)
            yield watched


def _visit(watched: Watched) -> None:
    """Send what holds everything that nobody may read elsewhere, and what fails."""
    headers = {
        "Authorization": f"Bearer {watched.token}",
        "Cookie": f"mimi_browser={COOKIE}",
        "X-Forwarded-For": "203.0.113.77",
        "User-Agent": "Agent/9.9",
        "X-Request-ID": REQUEST_ID,
        "traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01",
    }
    query = f"?ref={CODE}&email={EMAIL}"
    for path in ("me", f"nowhere/{CODE}/{EMAIL}", "crash", "logged"):
        watched.http.get(f"/api/v1/{path}{query}", headers=headers)
    watched.http.post("/api/v1/referrals/validate", json={"code": CODE}, headers=headers)
    watched.http.get("/livez")


def spans(watched: Watched) -> list[Any]:
    return [
        span
        for body in watched.collector.bodies("/v1/traces")
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def reports(watched: Watched) -> list[dict[str, Any]]:
    return [
        event
        for body in watched.collector.bodies("/api/1/envelope/")
        for line in body.splitlines()
        if "exception" in (event := json.loads(line)) or "logentry" in event
    ]


def holds_nothing_hostile(watched: Watched, text: str) -> bool:
    return not [each for each in (*HOSTILE, watched.token) if each in text]


def test_every_line_is_json_and_tells_nobody_anything(watched: Watched) -> None:
    lines = watched.lines()

    assert {line["route"] for line in lines if line["logger"] == "mimivibes.access"} >= {
        "api/v1/me",
        "unknown",
        "api/v1/referrals/validate",
    }
    assert holds_nothing_hostile(watched, watched.log.read_text())


def test_errors_are_logged_with_their_place(watched: Watched) -> None:
    crashed = [line for line in watched.lines() if "RuntimeError" in line.get("error", "")]

    assert {line["request_id"] for line in crashed} == {REQUEST_ID}
    assert "tests/monitoring/urls.py" in crashed[0]["error"]


def test_health_is_asked_too_often_to_be_logged(watched: Watched) -> None:
    assert "livez" not in watched.log.read_text()


def test_a_span_tells_of_the_request_and_of_nobody(watched: Watched) -> None:
    def found() -> list[Any]:
        return [span for span in spans(watched) if span.name == "GET api/v1/me"]

    (span, *_rest) = until(found)

    attributes = {a.key: a.value for a in span.attributes}
    assert span.trace_id.hex() == TRACE_ID
    assert attributes["http.route"].string_value == "api/v1/me"
    assert attributes["http.response.status_code"].int_value == 200
    assert holds_nothing_hostile(watched, str(spans(watched)))


def test_statements_are_spans_without_their_values(watched: Watched) -> None:
    def found() -> list[Any]:
        (request,) = [span for span in spans(watched) if span.name == "GET api/v1/me"]
        return [span for span in spans(watched) if span.parent_span_id == request.span_id]

    statements = until(found)

    texts = [a.value.string_value for s in statements for a in s.attributes if "text" in a.key]
    assert any("accounts_user" in text and "%s" in text for text in texts)


def test_the_log_names_the_trace(watched: Watched) -> None:
    assert TRACE_ID in {line.get("trace_id") for line in watched.lines()}


def test_an_error_is_reported_without_anybodys_data(watched: Watched) -> None:
    events = until(lambda: reports(watched))

    assert any(
        value["type"] == "RuntimeError"
        for event in events
        for value in event.get("exception", {}).get("values", [])
    )
    assert {event["tags"]["request_id"] for event in events} == {REQUEST_ID}
    assert holds_nothing_hostile(watched, json.dumps(events))
    assert not {"request", "user", "breadcrumbs"} & {key for event in events for key in event}


def test_what_both_workers_answered_is_added_up(watched: Watched) -> None:
    labels = {"method": "GET", "route": "docs-of-nothing", "status": "404"}
    labels["route"] = "unknown"
    before = watched.sample("mimivibes_http_requests_total", **labels)

    for _ in range(20):
        watched.http.get("/nothing-is-here")

    assert watched.sample("mimivibes_http_requests_total", **labels) == before + 20


def test_a_worker_that_is_killed_keeps_its_counts_and_is_in_progress_no_more(
    watched: Watched,
) -> None:
    labels = {"method": "GET", "route": "unknown", "status": "404"}
    answered = watched.sample("mimivibes_http_requests_total", **labels)
    server = next(
        p for p in psutil.Process().children() if str(watched.http.base_url.port) in p.cmdline()
    )
    slow = _in_the_middle(watched)

    for worker in server.children():
        os.kill(worker.pid, signal.SIGKILL)
    slow()

    def back() -> bool:
        try:
            return watched.http.get("/livez").status_code == 200
        except httpx.TransportError:
            return False

    until(back)
    assert watched.sample("mimivibes_http_requests_total", **labels) == answered
    # The one that asks is in progress itself.
    assert watched.sample("mimivibes_http_requests_in_progress") == 1


def _in_the_middle(watched: Watched) -> Callable[[], None]:
    """Begin a request that takes long; return how to see the end of it."""
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1)
    asked = pool.submit(watched.http.get, "/api/v1/slow", timeout=20)
    until(lambda: watched.sample("mimivibes_http_requests_in_progress") == 2)

    def ended() -> None:
        with pytest.raises(httpx.TransportError):
            asked.result()
        pool.shutdown()

    return ended
