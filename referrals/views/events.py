"""What back ends report."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.identity import service_of
from referrals.serializers import (
    BatchResultsSerializer,
    EventBatchSerializer,
    NewEventSerializer,
    RecordedSerializer,
)
from referrals.services.events import Recorded, record_event, record_events


class EventView(APIView):
    """Record one event."""

    required_scope = "events"

    @extend_schema(
        request=NewEventSerializer, responses={201: RecordedSerializer, 200: RecordedSerializer}
    )
    def post(self, request: Request) -> Response:
        asked = NewEventSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        recorded = record_event(
            event=asked.to_event(), source=service_of(request), now=timezone.now()
        )
        return Response(RecordedSerializer(recorded).data, status=_status(recorded))


class EventBatchView(APIView):
    """Record up to 500 events; a bad one is told in its place and does not stop the rest."""

    required_scope = "events"

    @extend_schema(request=EventBatchSerializer, responses=BatchResultsSerializer)
    def post(self, request: Request) -> Response:
        batch = EventBatchSerializer(data=request.data)
        batch.is_valid(raise_exception=True)
        asked = [NewEventSerializer(data=event) for event in batch.validated_data["events"]]
        good = [event for event in asked if event.is_valid()]
        recorded = iter(
            record_events(
                events=[event.to_event() for event in good],
                source=service_of(request),
                now=timezone.now(),
            )
        )
        results = [
            _result(next(recorded)) if not event.errors else _bad(event.initial_data)
            for event in asked
        ]
        return Response({"results": results})


def _status(recorded: Recorded) -> int:
    if recorded.conflicts:
        return status.HTTP_409_CONFLICT
    return status.HTTP_201_CREATED if recorded.is_new else status.HTTP_200_OK


def _result(recorded: Recorded) -> dict[str, Any]:
    result = {"id": recorded.event_id, "status": _status(recorded)}
    return {**result, "code": "event_conflict"} if recorded.conflicts else result


def _bad(event: Any) -> dict[str, Any]:
    named = event.get("id") if isinstance(event, dict) else None
    return {
        "id": named if isinstance(named, str) else None,
        "status": status.HTTP_400_BAD_REQUEST,
        "code": "invalid",
    }
