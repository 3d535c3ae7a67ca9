"""OpenTelemetry traces, when `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector.

A span for each request and, below it, one for each statement, with nothing in them but what is
listed here: the route instead of the path, the statement as it is written in the code, without its
values. The packages that instrument Django and psycopg by themselves are left out: they are betas,
and put addresses, paths and query strings into spans, which would have to be found and removed.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.db import connections
from django.http import HttpRequest, HttpResponse
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

from mimivibes.routes import method_of, route_of

NAME = "mimivibes-referrals"
LONGEST_STATEMENT = 2_000
SERVER_ERROR = 500
tracer = trace.get_tracer(NAME)


def start_tracing() -> None:
    """Send this process's spans; each worker calls it for itself, for it starts a thread."""
    named = Resource({SERVICE_NAME: NAME}).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=named)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


class TracingMiddleware:
    """Make a span of each request, part of the trace that one of our proxies may have begun."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        method = method_of(request)
        with ExitStack() as stack:
            span = stack.enter_context(
                tracer.start_as_current_span(
                    method, context=_begun_elsewhere(request), kind=SpanKind.SERVER
                )
            )
            if (context := span.get_span_context()).is_valid:
                request.trace_id = trace.format_trace_id(context.trace_id)  # type: ignore[attr-defined]
            if span.is_recording():
                for connection in connections.all(initialized_only=False):
                    stack.enter_context(connection.execute_wrapper(_traced))
            response = self.get_response(request)
            route = route_of(request)
            span.update_name(f"{method} {route}")
            span.set_attributes(
                {
                    "http.request.method": method,
                    "http.route": route,
                    "http.response.status_code": response.status_code,
                }
            )
            if response.status_code >= SERVER_ERROR:
                span.set_status(Status(StatusCode.ERROR))
        return response


def _begun_elsewhere(request: HttpRequest) -> Any:
    """Return the context of a proxy's span; `TrustedProxyMiddleware` has removed strangers'."""
    sent = {
        "traceparent": request.META.get("HTTP_TRACEPARENT", ""),
        "tracestate": request.META.get("HTTP_TRACESTATE", ""),
    }
    return propagate.extract(sent)


def _traced(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Run a statement in a span that holds it without its values."""
    with tracer.start_as_current_span(
        sql.split(None, 1)[0].upper() if sql.strip() else "SQL",
        kind=SpanKind.CLIENT,
        record_exception=False,  # its message would quote values
        set_status_on_exception=False,
    ) as span:
        span.set_attributes(
            {"db.system.name": "postgresql", "db.query.text": sql[:LONGEST_STATEMENT]}
        )
        try:
            return execute(sql, params, many, context)
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR))
            span.set_attribute("error.type", type(error).__name__)
            raise
