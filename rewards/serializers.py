"""JSON to typed values and back; strict, for a request that is nearly right is wrong."""

from datetime import UTC
from typing import Any

from rest_framework import serializers

from rewards.amounts import Amounts


class StrictSerializer(serializers.Serializer[Any]):
    """Refuse fields that it does not know, by the code `unknown_field`."""

    def to_internal_value(self, data: Any) -> Any:
        errors: dict[str, Any] = {}
        value: Any = None
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            errors = dict(error.detail) if isinstance(error.detail, dict) else {}
        for name in set(data) - set(self.fields) if isinstance(data, dict) else ():
            errors[name] = [serializers.ErrorDetail("Unknown field.", code="unknown_field")]
        if errors:
            raise serializers.ValidationError(errors)
        return value


class StrictCharField(serializers.CharField):
    """A JSON string; no number is taken for one. Its ends are trimmed, and then it is not empty."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictIntegerField(serializers.IntegerField):
    """A JSON integer; no string, fraction or boolean is taken for one."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class UtcDateTimeField(serializers.DateTimeField):
    """ISO 8601 in UTC, with `Z`, whatever the server's time zone."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)


class AmountsSerializer(serializers.Serializer[Amounts]):
    """Amounts as the API shows them: always all four."""

    stars = serializers.IntegerField()
    free_points = serializers.IntegerField()
    coins = serializers.IntegerField()
    exp = serializers.IntegerField()

    def to_representation(self, instance: Amounts) -> dict[str, int]:
        return instance.as_dict()
