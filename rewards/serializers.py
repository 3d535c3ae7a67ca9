"""JSON to typed values and back; strict, for a request that is nearly right is wrong."""

from datetime import UTC
from typing import Any

from django.utils.translation import gettext as _
from rest_framework import serializers

from rewards.amounts import Amounts, Currency
from rewards.models import MAX_AMOUNT, ExchangeRate, Transaction
from rewards.services import memo_told


class StrictSerializer(serializers.Serializer[Any]):
    """Refuse fields that it does not know, by the code `unknown_field`."""

    def to_internal_value(self, data: Any) -> Any:
        errors: dict[str, Any] = {}
        value: Any = None
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if not isinstance(error.detail, dict):
                raise
            errors = dict(error.detail)
        for name in sorted(set(data) - set(self.fields)) if isinstance(data, dict) else ():
            errors[name] = [serializers.ErrorDetail(_("Unknown field."), code="unknown_field")]
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


class TransactionSerializer(serializers.Serializer[Transaction]):
    id = serializers.CharField(source="pk")
    kind = serializers.CharField()
    amounts = AmountsSerializer(help_text="What the user gained or, below zero, lost.")
    reference = serializers.CharField()
    memo = serializers.SerializerMethodField(
        help_text="In the language of the request, where the house itself wrote it."
    )
    created_at = UtcDateTimeField()
    reverses = serializers.CharField(
        source="reverses_id", allow_null=True, help_text="The transaction that this one reverses."
    )

    def get_memo(self, transaction: Transaction) -> str:
        return memo_told(transaction)


class ReceiptSerializer(serializers.Serializer[Any]):
    """What a posting did, and what its user holds after it."""

    transaction = TransactionSerializer()
    balances = AmountsSerializer()


class FromField:
    """Call a field `from`, a word that Python keeps to itself, by declaring it as `from_`."""

    def get_fields(self) -> dict[str, Any]:
        declared: dict[str, Any] = super().get_fields()  # type: ignore[misc]
        return {name.rstrip("_"): field for name, field in declared.items()}


class RateSerializer(FromField, serializers.Serializer[ExchangeRate]):
    from_ = serializers.ChoiceField(choices=Currency.choices, source="from_currency")
    to = serializers.ChoiceField(choices=Currency.choices, source="to_currency")
    price = serializers.IntegerField(help_text="Units of `from` for one unit of `to`.")


class RatesSerializer(serializers.Serializer[Any]):
    results = RateSerializer(many=True)


class CurrencyField(serializers.ChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=Currency.choices, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return str(super().to_internal_value(data))


class ExchangeSerializer(FromField, StrictSerializer):
    from_ = CurrencyField()
    to = CurrencyField()
    units = StrictIntegerField(
        min_value=1, max_value=MAX_AMOUNT, help_text="Whole units of `to` to buy."
    )


class SpendSerializer(FromField, StrictSerializer):
    user_id = StrictCharField(max_length=255, help_text="Clerk id.")
    amount = StrictIntegerField(min_value=1, max_value=MAX_AMOUNT)
    from_ = serializers.ListField(
        child=CurrencyField(),
        min_length=1,
        max_length=len(Currency),
        help_text="Currencies to draw from, in this order.",
    )
    reason = StrictCharField(max_length=500)

    def validate_from(self, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise serializers.ValidationError(_("A currency stands here twice."), code="duplicate")
        return value


class GrantedAmountsSerializer(StrictSerializer):
    stars = StrictIntegerField(min_value=0, max_value=MAX_AMOUNT, default=0)
    free_points = StrictIntegerField(min_value=0, max_value=MAX_AMOUNT, default=0)
    coins = StrictIntegerField(min_value=0, max_value=MAX_AMOUNT, default=0)
    exp = StrictIntegerField(min_value=0, max_value=MAX_AMOUNT, default=0)

    def validate(self, attrs: dict[str, int]) -> dict[str, int]:
        if not any(attrs.values()):
            raise serializers.ValidationError(_("Grant something."), code="all_zero")
        return attrs


class GrantSerializer(StrictSerializer):
    user_id = StrictCharField(max_length=255, help_text="Clerk id.")
    amounts = GrantedAmountsSerializer()
    reason = StrictCharField(max_length=500)


class ReverseSerializer(StrictSerializer):
    reason = StrictCharField(max_length=500)
