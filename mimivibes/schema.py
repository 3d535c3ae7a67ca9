"""OpenAPI: every operation also answers problems."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction, inline_serializer
from rest_framework import serializers

FIELD_ERROR: dict[str, serializers.Field[Any, Any, Any, Any]] = {
    "field": serializers.CharField(),
    "code": serializers.CharField(),
    "detail": serializers.CharField(),
}
PROBLEM = inline_serializer(
    "Problem",
    {
        "type": serializers.CharField(),
        "title": serializers.CharField(),
        "status": serializers.IntegerField(),
        "detail": serializers.CharField(),
        "code": serializers.CharField(),
        "errors": inline_serializer("FieldError", FIELD_ERROR, many=True, required=False),
    },
)


class ProblemAutoSchema(AutoSchema):
    """Add to each operation `default`, a problem, and 503, after which the same is sent again."""

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        component = self.resolve_serializer(PROBLEM, direction)
        content = {"application/problem+json": {"schema": component.ref}}
        bodies["503"] = {
            "description": "Not just now: send the same again, with the same id or key",
            "headers": {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}},
            "content": content,
        }
        bodies["default"] = {"description": "A problem (RFC 9457)", "content": content}
        return bodies
