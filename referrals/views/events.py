"""What back ends report."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
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
from referrals.services.events import NewEvent, Recorded, record_event, record_events


class EventView(APIView):
    """Record one event."""

    required_scope = "events"

    @extend_schema(
        request=NewEventSerializer, responses={201: RecordedSerializer, 200: RecordedSerializer}
    )
    def post(self, request: Request) -> Response:
        event = NewEventSerializer().to_event(request.data)
        recorded = record_event(event=event, source=service_of(request), now=timezone.now())
        return Response(RecordedSerializer(recorded).data, status=_status(recorded))


class EventBatchView(APIView):
    """Record up to 500 events; a bad one is told in its place and does not stop the rest."""

    required_scope = "events"

    @extend_schema(request=EventBatchSerializer, responses=BatchResultsSerializer)
    def post(self, request: Request) -> Response:
        batch = EventBatchSerializer(data=request.data)
        batch.is_valid(raise_exception=True)
        asked = batch.validated_data["events"]
        read = _read(asked)
        recorded = iter(
            record_events(
                events=[event for event in read if event],
                source=service_of(request),
                now=timezone.now(),
            )
        )
        results = [
            _result(next(recorded)) if event else _bad(given)
            for given, event in zip(asked, read, strict=True)
        ]
        return Response({"results": results})


def _read(asked: list[Any]) -> list[NewEvent | None]:
    """Return each event, None in the place of a bad one."""
    # One serializer for all: to build its fields costs more than all else that a batch does here.
    serializer = NewEventSerializer()
    read: list[NewEvent | None] = []
    for given in asked:
        try:
            read.append(serializer.to_event(given))
        except ValidationError:
            read.append(None)
    return read


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
