"""Transactions, their entries, and the balances that follow from them."""

from collections.abc import Iterable
from functools import cached_property
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Cast
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from rewards.amounts import Amounts, Currency


class Account(models.TextChoices):
    """The house's side of each movement."""

    ISSUED = "issued", _("Issued")
    REDEEMED = "redeemed", _("Redeemed")
    EXCHANGED = "exchanged", _("Exchanged")
    EXPIRED = "expired", _("Expired")
    CLAWED_BACK = "clawed_back", _("Clawed back")


def one_of(field: str, choices: type[models.TextChoices]) -> Q:
    return Q(**{f"{field}__in": choices.values})


KINDS = (
    gettext_noop("exchange"),
    gettext_noop("forfeit"),
    gettext_noop("grant"),
    gettext_noop("opening"),
    gettext_noop("reversal"),
    gettext_noop("reward"),
    gettext_noop("spend"),
    gettext_noop("take back"),
)
"""Transactions of this app, as staff read them; other apps have kinds of their own."""


def kind_told(kind: str) -> str:
    """Return a kind of transactions in words, in the reader's language where they are marked."""
    return gettext(kind.replace("_", " "))


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

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="transactions",
        db_index=False,
        verbose_name=_("user"),
    )
    kind = models.CharField(_("kind"), max_length=40)
    idempotency_key = models.CharField(_("idempotency key"), max_length=300, unique=True)
    fingerprint = models.CharField(
        _("fingerprint"), max_length=64, help_text=_("SHA-256 of what was asked under the key.")
    )
    reference = models.CharField(_("reference"), max_length=255, blank=True, default="")
    memo = models.CharField(_("memo"), max_length=500, blank=True, default="")
    note = models.TextField(
        _("note"),
        blank=True,
        default="",
        db_default="",
        help_text=_("Why staff did it. For staff alone: the user sees the memo."),
    )
    actor = models.CharField(_("actor"), max_length=600, blank=True, default="")
    reverses = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reversed_by",
        verbose_name=_("reverses"),
    )
    created_at = models.DateTimeField(_("created at"))
    sealed_in = models.BigIntegerField(
        _("sealed in"),
        editable=False,
        db_default=Cast(
            Cast(Func(function="pg_current_xact_id"), models.TextField()), models.BigIntegerField()
        ),
        help_text=_(
            "The database transaction that made it, and the only one that may add entries."
        ),
    )

    objects: ClassVar[models.Manager["Transaction"]] = TransactionQuerySet.as_manager()

    class Meta:
        verbose_name = _("transaction")
        verbose_name_plural = _("transactions")
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
        permissions = [("correct_transaction", "Can reverse single transactions")]
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="transaction_of_user_newest"),
            models.Index(fields=["kind", "-created_at", "-id"], name="transaction_by_kind"),
            models.Index(
                fields=["-created_at", "-id"],
                include=["kind", "reverses"],
                name="transaction_by_time",
            ),
            models.Index(
                fields=["created_at"],
                condition=Q(reverses__isnull=False),
                name="transaction_reversals",
            ),
            models.Index(
                fields=["reference"],
                name="transaction_reference",
                opclasses=["varchar_pattern_ops"],
                condition=~Q(reference=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{kind_told(self.kind)} {self.id}"

    @cached_property
    def amounts(self) -> Amounts:
        """What the user gained (positive) or lost (negative), net."""
        return net_amounts(self.entries.all())


class Entry(models.Model):
    """One line of a transaction: an amount onto (positive) or off (negative) one account."""

    transaction = models.ForeignKey(
        Transaction,
        on_delete=models.PROTECT,
        related_name="entries",
        db_index=False,
        verbose_name=_("transaction"),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        verbose_name=_("user"),
    )
    house = models.CharField(_("house account"), max_length=20, choices=Account, blank=True)
    currency = models.CharField(_("currency"), max_length=20, choices=Currency)
    amount = models.BigIntegerField(_("amount"))

    class Meta:
        verbose_name = _("entry")
        verbose_name_plural = _("entries")
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, house="")
                | (Q(user__isnull=True) & one_of("house", Account)),
                name="entry_stands_on_one_account",
            ),
            models.CheckConstraint(
                condition=one_of("currency", Currency), name="entry_currency_is_known"
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
            models.Index(
                fields=["transaction"],
                include=["currency", "amount"],
                condition=Q(house=Account.ISSUED),
                name="entry_issued",
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(amount)s %(currency)s on %(account)s") % {
            "amount": f"{self.amount:+,}",
            "currency": self.get_currency_display().lower(),
            "account": self.get_house_display().lower()
            or gettext("user %(user)s") % {"user": self.user_id},
        }


class Balance(models.Model):
    """What a user holds of one currency; kept by the trigger on entries, and by nothing else."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="balances",
        db_index=False,
        verbose_name=_("user"),
    )
    currency = models.CharField(_("currency"), max_length=20, choices=Currency)
    amount = models.BigIntegerField(_("amount"))

    class Meta:
        verbose_name = _("balance")
        verbose_name_plural = _("balances")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "currency"], name="balance_is_one_per_user_and_currency"
            ),
            models.CheckConstraint(condition=Q(amount__gte=0), name="balance_is_not_negative"),
            models.CheckConstraint(
                condition=one_of("currency", Currency), name="balance_currency_is_known"
            ),
        ]
        indexes = [models.Index(fields=["currency", "-id"], name="balance_by_currency")]

    def __str__(self) -> str:
        return gettext("%(amount)s %(currency)s of user %(user)s") % {
            "amount": f"{self.amount:,}",
            "currency": self.get_currency_display().lower(),
            "user": self.user_id,
        }


def net_amounts(entries: Iterable[Entry]) -> Amounts:
    """Return what these entries move on users' accounts, the house's left out."""
    total = Amounts()
    for entry in entries:
        if entry.user_id is not None:
            total += Amounts(**{entry.currency: entry.amount})
    return total
