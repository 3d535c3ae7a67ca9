"""Large grants by hand, which wait for a second person."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from rewards.amounts import Amounts, Currency
from rewards.models.ledger import Transaction
from rewards.models.rules import MAX_AMOUNT


class GrantRequest(models.Model):
    """A grant that one member of staff asks for and another approves, then paid, or refuses."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        APPROVED = "approved", _("Approved")
        REFUSED = "refused", _("Refused")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="grant_requests",
        verbose_name=_("user"),
    )
    stars = models.PositiveBigIntegerField(_("stars"), default=0)
    free_points = models.PositiveBigIntegerField(_("free points"), default=0)
    coins = models.PositiveBigIntegerField(_("coins"), default=0)
    exp = models.PositiveBigIntegerField(_("experience"), default=0)
    reason = models.TextField(_("reason"), help_text=_("Why it was asked for. For staff alone."))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        verbose_name=_("requested by"),
    )
    requested_at = models.DateTimeField(_("requested at"))
    nonce = models.UUIDField(
        _("nonce"), unique=True, editable=False, help_text=_("Of the form that asked.")
    )
    status = models.CharField(_("status"), max_length=8, choices=Status, default=Status.WAITING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decision_reason = models.TextField(_("decision reason"), blank=True, default="")
    transaction = models.OneToOneField(
        Transaction,
        on_delete=models.PROTECT,
        related_name="grant_request",
        null=True,
        blank=True,
        verbose_name=_("transaction"),
    )

    objects: ClassVar[models.Manager["GrantRequest"]] = models.Manager()

    class Meta:
        verbose_name = _("grant request")
        verbose_name_plural = _("grant requests")
        constraints = [
            *(
                models.CheckConstraint(
                    condition=Q(**{f"{currency}__gte": 0, f"{currency}__lte": MAX_AMOUNT}),
                    name=f"grant_request_{currency}_are_in_range",
                )
                for currency in Currency.values
            ),
            models.CheckConstraint(
                condition=~Q(stars=0, free_points=0, coins=0, exp=0),
                name="grant_request_asks_for_something",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="grant_request_has_a_reason"),
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "approved", "refused"]),
                name="grant_request_status_is_known",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requested_by")),
                name="grant_request_decider_is_not_requester",
            ),
            models.CheckConstraint(
                condition=Q(status="waiting", decided_by__isnull=True, decided_at__isnull=True)
                | (
                    ~Q(status="waiting")
                    & Q(decided_by__isnull=False, decided_at__isnull=False)
                    & ~Q(decision_reason="")
                ),
                name="grant_request_decided_by_somebody_some_time",
            ),
            models.CheckConstraint(
                condition=Q(status="approved", transaction__isnull=False)
                | (~Q(status="approved") & Q(transaction__isnull=True)),
                name="grant_request_approved_has_a_transaction",
            ),
        ]
        permissions = [
            ("grant_reward", "Can grant rewards by hand and take amounts back"),
            ("approve_grant", "Can approve and refuse the large grants of others"),
        ]
        indexes = [
            models.Index(fields=["-requested_at", "-id"], name="grant_request_newest"),
            models.Index(
                fields=["requested_at"], condition=Q(status="waiting"), name="grant_request_waiting"
            ),
        ]

    def __str__(self) -> str:
        return str(_("Grant request %(number)s") % {"number": self.pk})

    @property
    def amounts(self) -> Amounts:
        return Amounts(self.stars, self.free_points, self.coins, self.exp)
