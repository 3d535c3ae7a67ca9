"""What the house pays by itself, and at what rates it exchanges."""

from datetime import datetime
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from rewards.amounts import Amounts, Currency
from rewards.models.ledger import one_of

MAX_AMOUNT = 1_000_000_000
"""The most of one currency that one request, rule or unit price may name.

A balance, a bigint, would overflow after nine billion such grants.
"""


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
        ONCE = "once", _("Once for each user")
        DAILY = "daily", _("Once a day (UTC) for each user")

    name = models.CharField(_("name"), max_length=100, unique=True)
    trigger = models.CharField(
        _("trigger"),
        max_length=100,
        help_text=_("What is counted, e.g. reading.completed or user.provisioned."),
    )
    threshold = models.PositiveIntegerField(
        _("threshold"),
        default=1,
        validators=[MinValueValidator(1)],
        help_text=_("Pays when the count reaches exactly this."),
    )
    period = models.CharField(_("period"), max_length=10, choices=Period, default=Period.ONCE)
    stars = models.PositiveBigIntegerField(
        _("stars"), default=0, validators=[MaxValueValidator(MAX_AMOUNT)]
    )
    free_points = models.PositiveBigIntegerField(
        _("free points"), default=0, validators=[MaxValueValidator(MAX_AMOUNT)]
    )
    coins = models.PositiveBigIntegerField(
        _("coins"), default=0, validators=[MaxValueValidator(MAX_AMOUNT)]
    )
    exp = models.PositiveBigIntegerField(
        _("experience"), default=0, validators=[MaxValueValidator(MAX_AMOUNT)]
    )
    is_active = models.BooleanField(_("is active"), default=True)
    active_from = models.DateTimeField(_("active from"), null=True, blank=True)
    active_until = models.DateTimeField(_("active until"), null=True, blank=True)

    objects: ClassVar[models.Manager["RewardRule"]] = RewardRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("reward rule")
        verbose_name_plural = _("reward rules")
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
                violation_error_message=_("It must begin before it ends."),
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

    from_currency = models.CharField(_("from"), max_length=20, choices=Currency)
    to_currency = models.CharField(_("to"), max_length=20, choices=Currency)
    price = models.PositiveBigIntegerField(
        _("price"),
        validators=[MinValueValidator(1), MaxValueValidator(MAX_AMOUNT)],
        help_text=_("Units of the first currency for one unit of the second."),
    )
    is_active = models.BooleanField(_("is active"), default=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("exchange rate")
        verbose_name_plural = _("exchange rates")
        constraints = [
            models.UniqueConstraint(
                fields=["from_currency", "to_currency"],
                condition=Q(is_active=True),
                name="exchange_rate_is_one_active_per_pair",
                violation_error_message=_("Deactivate the active rate of this pair first."),
            ),
            models.CheckConstraint(
                condition=Q(price__gte=1, price__lte=MAX_AMOUNT),
                name="exchange_rate_price_is_in_range",
            ),
            models.CheckConstraint(
                condition=~Q(from_currency=F("to_currency")),
                name="exchange_rate_joins_two_currencies",
                violation_error_message=_("The two currencies must differ."),
            ),
            models.CheckConstraint(
                condition=one_of("from_currency", Currency) & one_of("to_currency", Currency),
                name="exchange_rate_currencies_are_known",
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(price)s %(from)s for 1 %(to)s") % {
            "price": f"{self.price:,}",
            "from": self.get_from_currency_display().lower(),
            "to": self.get_to_currency_display().lower(),
        }
