"""What stays of the replaced system.

Invariants, held by the database:

- A person was brought over once; `opened` is what their openings on the ledger gave in all.
- An old row is here once, and never changes: triggers refuse UPDATE, DELETE and TRUNCATE. Only its
  details can be emptied, when its person is erased.
- A matter is listed once, however often it is found; one that is settled says by whom and how.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class LegacyAccount(models.Model):
    """A person of the replaced system, who was brought over."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        primary_key=True,
        related_name="legacy_account",
        verbose_name=_("user"),
    )
    imported_at = models.DateTimeField(_("imported at"))
    was_here_before = models.BooleanField(
        _("was here before"),
        default=False,
        help_text=_("Signed in here before the import brought them."),
    )
    opened = models.JSONField(
        _("opened with"), default=dict, help_text=_("What was brought onto the ledger in all.")
    )
    openings = models.PositiveIntegerField(
        _("openings"), default=0, help_text=_("How many transactions brought it.")
    )
    kept = models.JSONField(
        _("kept"), default=dict, help_text=_("What has no place here: level, prestige, role.")
    )

    class Meta:
        verbose_name = _("account of the earlier app")
        verbose_name_plural = _("accounts of the earlier app")
        indexes = [models.Index(fields=["-imported_at", "-user"], name="legacy_account_newest")]

    def __str__(self) -> str:
        return str(self.user)


class LegacyTransaction(models.Model):
    """A row of the old ledger, to be read: amounts as far as they can be understood."""

    class Origin(models.TextChoices):
        POINTS = "PointTransaction", _("Points")
        EXCHANGE = "CoinExchange", _("Exchange of coins")

    origin = models.CharField(_("table"), max_length=20, choices=Origin.choices)
    legacy_id = models.CharField(_("id there"), max_length=255)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,  # legacy_transaction_of_user serves
        related_name="legacy_transactions",
        verbose_name=_("user"),
    )
    legacy_user_id = models.CharField(_("user there"), max_length=255)
    event_type = models.CharField(_("event type"), max_length=255)
    at = models.DateTimeField(_("at"))
    stars = models.BigIntegerField(_("stars"))
    free_points = models.BigIntegerField(_("free points"))
    coins = models.BigIntegerField(_("coins"))
    exp = models.BigIntegerField(_("experience"))
    details = models.JSONField(
        _("details"), default=dict, help_text=_("The old row; empty once the person was erased.")
    )

    class Meta:
        verbose_name = _("old transaction")
        verbose_name_plural = _("old transactions")
        constraints = [
            models.UniqueConstraint(
                fields=["origin", "legacy_id"], name="legacy_transaction_is_here_once"
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-at", "-id"], name="legacy_transaction_of_user"),
            models.Index(fields=["-at", "-id"], name="legacy_transaction_newest"),
            models.Index(fields=["event_type", "-at", "-id"], name="legacy_transaction_by_type"),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} {self.legacy_id}"


class Matter(models.Model):
    """Something that the old rows leave open or contradict: for staff to settle, not to guess."""

    class Kind(models.TextChoices):
        NEGATIVE_BALANCE = "negative_balance", _("A balance was negative, and was not opened")
        BALANCE_CHANGED = "balance_changed", _("The old balance changed after it was opened")
        BALANCE_SPENT = "balance_spent", _("The old balance fell, and here it is spent already")
        SHARED_EMAIL = "shared_email", _("Several people had one e-mail address")
        CODE_COLLISION = "code_collision", _("Two old codes are one here; the earlier one stands")
        CODE_TAKEN = "code_taken", _("Somebody here has this old code already")
        CODE_UNUSABLE = "code_unusable", _("An old code cannot be a code here")
        LATER_INVITATION = "later_invitation", _("Invited several times; the earliest stands")
        SELF_REFERRAL = "self_referral", _("Invited by themselves")
        RING = "ring", _("The invitation would close a ring")
        PERSON_MISSING = "person_missing", _("Invited by, or as, somebody who is not brought over")
        PAYMENT_UNPROVEN = "payment_unproven", _("No old row says whether the inviter was paid")
        PAID_TWICE = "paid_twice", _("The inviter was paid several times for one person")
        PAID_HERE_TOO = "paid_here_too", _("The inviter was paid there, and here too")
        ATTRIBUTED_HERE = "attributed_here", _("Attributed here before; that stands")
        GONE_HERE = "gone_here", _("Erased here, but not there; nothing was opened")
        GONE_THERE = "gone_there", _("Deleted there, but not here")

    kind = models.CharField(_("kind"), max_length=20, choices=Kind.choices)
    subject = models.CharField(
        _("subject"), max_length=600, help_text=_("Ids of the replaced system.")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("user"),
    )
    facts = models.JSONField(_("facts"), default=dict)
    found_at = models.DateTimeField(_("found at"))
    note = models.TextField(
        _("note"),
        blank=True,
        default="",
        help_text=_("How it was settled. Saving it settles the matter; emptying it reopens it."),
    )
    settled_at = models.DateTimeField(_("settled at"), null=True, blank=True)
    settled_by = models.CharField(_("settled by"), max_length=150, blank=True, default="")

    class Meta:
        verbose_name = _("matter to settle")
        verbose_name_plural = _("matters to settle")
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject"], name="matter_is_listed_once"),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, settled_by="", note="")
                | (Q(settled_at__isnull=False) & ~Q(settled_by="") & ~Q(note="")),
                name="matter_is_settled_by_somebody_somehow",
            ),
        ]
        indexes = [
            models.Index(fields=["-found_at", "-id"], name="matter_newest"),
            models.Index(fields=["kind", "-found_at", "-id"], name="matter_by_kind"),
            models.Index(
                fields=["-found_at", "-id"],
                condition=Q(settled_at__isnull=True),
                name="matter_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.subject}"
