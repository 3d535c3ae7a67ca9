"""The ledger: what every user holds of each currency, and every movement that led there.

Invariants, held by the database:

- A transaction moves the amounts of one user. It has entries, and they sum to zero per currency
  (`transaction_has_entries`, `transaction_sums_to_zero`, `transaction_moves_one_user`, checked at
  commit by a deferred trigger).
- Transactions and entries are only ever added: triggers refuse UPDATE, DELETE and TRUNCATE, and
  refuse entries for a transaction that an earlier commit has sealed.
- An entry stands on exactly one account, the user's or one of the house's, and is never zero.
- A balance is the sum of its user's entries and never below zero (`balance_is_not_negative`). A
  trigger on entries keeps it; any other change is refused.
- An idempotency key is on the ledger once, for ever.
- A transaction is reversed at most once. Its reversal has the opposite entries, except that what
  the user no longer had is borne by the house account `clawed_back`. A reversal is a transaction
  like any other and can be reversed in its turn: that restores the first state, and reversing
  *that* corrects once more.
- A pair of currencies has at most one active exchange rate. Rule amounts are never negative.

The house keeps no balance rows: they would be the one row that every posting waits for.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Cast
from django.utils import timezone
from uuid_utils.compat import uuid7

from rewards.amounts import Amounts, Currency

MAX_AMOUNT = 1_000_000_000
"""The most of one currency that one request, rule or unit price may name.

A balance, a bigint, would overflow after nine billion such grants.
"""


class Account(models.TextChoices):
    """The house's side of each movement."""

    ISSUED = "issued", "Issued"
    REDEEMED = "redeemed", "Redeemed"
    EXCHANGED = "exchanged", "Exchanged"
    EXPIRED = "expired", "Expired"
    CLAWED_BACK = "clawed_back", "Clawed back"


def _one_of(field: str, choices: type[models.TextChoices]) -> Q:
    return Q(**{f"{field}__in": choices.values})


class TransactionQuerySet(models.QuerySet["Transaction"]):
    def of(self, user_id: int) -> "TransactionQuerySet":
        """Keep the transactions of one user."""
        return self.filter(user_id=user_id)

    def with_amounts(self) -> "TransactionQuerySet":
        """Read the entries along, in one query for all, so that `amounts` costs none."""
        return self.prefetch_related("entries")


class Transaction(models.Model):
    """One movement on the ledger; `amounts` is what its user gained or lost."""

    REVERSAL: ClassVar[str] = "reversal"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="transactions",
        db_index=False,
    )
    kind = models.CharField(max_length=40)
    idempotency_key = models.CharField(max_length=300, unique=True)
    fingerprint = models.CharField(
        max_length=64, help_text="SHA-256 of what was asked under the key."
    )
    reference = models.CharField(max_length=255, blank=True, default="")
    memo = models.CharField(max_length=500, blank=True, default="")
    actor = models.CharField(max_length=600, blank=True, default="")
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversed_by"
    )
    created_at = models.DateTimeField()
    sealed_in = models.BigIntegerField(
        editable=False,
        db_default=Cast(
            Cast(Func(function="pg_current_xact_id"), models.TextField()), models.BigIntegerField()
        ),
        help_text="The database transaction that made it, and the only one that may add entries.",
    )

    objects: ClassVar[models.Manager["Transaction"]] = TransactionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(kind=""), name="transaction_has_a_kind"),
            models.CheckConstraint(condition=~Q(idempotency_key=""), name="transaction_has_a_key"),
            models.CheckConstraint(
                condition=Q(kind="reversal", reverses__isnull=False)
                | (~Q(kind="reversal") & Q(reverses__isnull=True)),
                name="transaction_reversal_names_its_original",
            ),
            models.CheckConstraint(
                condition=~Q(reverses=F("id")), name="transaction_does_not_reverse_itself"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="transaction_of_user_newest"),
            models.Index(fields=["-created_at", "-id"], name="transaction_newest"),
            models.Index(fields=["kind", "-created_at", "-id"], name="transaction_by_kind"),
            models.Index(
                fields=["reference"],
                name="transaction_reference",
                opclasses=["varchar_pattern_ops"],
                condition=~Q(reference=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @cached_property
    def amounts(self) -> Amounts:
        """What the user gained (positive) or lost (negative), net."""
        return net_amounts(self.entries.all())


class Entry(models.Model):
    """One line of a transaction: an amount onto (positive) or off (negative) one account."""

    transaction = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, related_name="entries", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    house = models.CharField("house account", max_length=20, choices=Account, blank=True)
    currency = models.CharField(max_length=20, choices=Currency)
    amount = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, house="")
                | (Q(user__isnull=True) & _one_of("house", Account)),
                name="entry_stands_on_one_account",
            ),
            models.CheckConstraint(
                condition=_one_of("currency", Currency), name="entry_currency_is_known"
            ),
            models.CheckConstraint(condition=~Q(amount=0), name="entry_is_not_zero"),
            models.UniqueConstraint(
                fields=["transaction", "currency", "house", "user"],
                nulls_distinct=False,
                name="entry_is_one_per_account_and_currency",
            ),
        ]
        indexes = [
            models.Index(
                fields=["user", "currency"],
                include=["amount", "transaction"],
                condition=Q(user__isnull=False),
                name="entry_of_user",
            ),
            models.Index(fields=["currency", "-id"], name="entry_by_currency"),
            models.Index(fields=["house", "-id"], name="entry_by_house", condition=~Q(house="")),
        ]

    def __str__(self) -> str:
        return f"{self.amount:+,} {self.currency} on {self.house or f'user {self.user_id}'}"


class Balance(models.Model):
    """What a user holds of one currency; kept by the trigger on entries, and by nothing else."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="balances",
        db_index=False,
    )
    currency = models.CharField(max_length=20, choices=Currency)
    amount = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "currency"], name="balance_is_one_per_user_and_currency"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="balance_is_not_negative"),
            models.CheckConstraint(
                condition=_one_of("currency", Currency), name="balance_currency_is_known"
            ),
        ]
        indexes = [models.Index(fields=["currency", "-id"], name="balance_by_currency")]

    def __str__(self) -> str:
        return f"{self.amount:,} {self.currency} of user {self.user_id}"


class RewardRuleQuerySet(models.QuerySet["RewardRule"]):
    def in_force(self, now: datetime) -> "RewardRuleQuerySet":
        """Keep the rules that pay at `now`; one that is off, or out of its period, pays nothing."""
        return self.filter(
            Q(active_from__isnull=True) | Q(active_from__lte=now),
            Q(active_until__isnull=True) | Q(active_until__gt=now),
            is_active=True,
        )


class RewardRule(models.Model):
    """What the house pays a user when `trigger` has happened `threshold` times."""

    class Period(models.TextChoices):
        ONCE = "once", "Once for each user"
        DAILY = "daily", "Once a day (UTC) for each user"

    name = models.CharField(max_length=100, unique=True)
    trigger = models.CharField(
        max_length=100, help_text="What is counted, e.g. reading.completed or user.provisioned."
    )
    threshold = models.PositiveIntegerField(
        default=1,
        validators=[MinValueValidator(1)],
        help_text="Pays when the count reaches exactly this.",
    )
    period = models.CharField(max_length=10, choices=Period, default=Period.ONCE)
    stars = models.PositiveBigIntegerField(default=0, validators=[MaxValueValidator(MAX_AMOUNT)])
    free_points = models.PositiveBigIntegerField(
        default=0, validators=[MaxValueValidator(MAX_AMOUNT)]
    )
    coins = models.PositiveBigIntegerField(default=0, validators=[MaxValueValidator(MAX_AMOUNT)])
    exp = models.PositiveBigIntegerField(default=0, validators=[MaxValueValidator(MAX_AMOUNT)])
    is_active = models.BooleanField(default=True)
    active_from = models.DateTimeField(null=True, blank=True)
    active_until = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager["RewardRule"]] = RewardRuleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(threshold__gte=1), name="reward_rule_threshold_is_positive"
            ),
            models.CheckConstraint(
                condition=~Q(trigger="") & ~Q(name=""), name="reward_rule_is_named"
            ),
            models.CheckConstraint(
                condition=Q(period__in=["once", "daily"]), name="reward_rule_period_is_known"
            ),
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{currency}__gte": 0, f"{currency}__lte": MAX_AMOUNT}),
                    name=f"reward_rule_{currency}_are_in_range",
                )
                for currency in Currency.values
            ),
            models.CheckConstraint(
                condition=Q(active_from__isnull=True)
                | Q(active_until__isnull=True)
                | Q(active_from__lt=F("active_until")),
                name="reward_rule_period_is_ordered",
                violation_error_message="It must begin before it ends.",
            ),
        ]
        indexes = [models.Index(fields=["trigger", "threshold"], name="reward_rule_trigger")]

    def __str__(self) -> str:
        return self.name

    @property
    def amounts(self) -> Amounts:
        return Amounts(self.stars, self.free_points, self.coins, self.exp)


class ExchangeRate(models.Model):
    """How many units of one currency buy one unit of another; changed by a new row."""

    from_currency = models.CharField("from", max_length=20, choices=Currency)
    to_currency = models.CharField("to", max_length=20, choices=Currency)
    price = models.PositiveBigIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MAX_AMOUNT)],
        help_text="Units of the first currency for one unit of the second.",
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["from_currency", "to_currency"],
                condition=Q(is_active=True),
                name="exchange_rate_is_one_active_per_pair",
                violation_error_message="Deactivate the active rate of this pair first.",
            ),
            models.CheckConstraint(
                condition=Q(price__gte=1, price__lte=MAX_AMOUNT),
                name="exchange_rate_price_is_in_range",
            ),
            models.CheckConstraint(
                condition=~Q(from_currency=F("to_currency")),
                name="exchange_rate_joins_two_currencies",
                violation_error_message="The two currencies must differ.",
            ),
            models.CheckConstraint(
                condition=_one_of("from_currency", Currency) & _one_of("to_currency", Currency),
                name="exchange_rate_currencies_are_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.price:,} {self.from_currency} for 1 {self.to_currency}"


class IdempotencyRecord(models.Model):
    """The answer to a request that was sent under an `Idempotency-Key`.

    Made in the database transaction of the work, so that a second request waits for the first; a
    refused request leaves none. It may be cleaned up: the key on the ledger stays.
    """

    caller = models.CharField(max_length=300)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    body = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["caller", "key"], name="idempotency_record_is_one_per_caller_and_key"
            )
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_record_age")]

    def __str__(self) -> str:
        return f"{self.caller} {self.key}"


def net_amounts(entries: Iterable[Entry]) -> Amounts:
    """Return what these entries move on users' accounts, the house's left out."""
    total = Amounts()
    for entry in entries:
        if entry.user_id is not None:
            total += Amounts(**{entry.currency: entry.amount})
    return total
