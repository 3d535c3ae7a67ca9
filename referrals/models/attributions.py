from django.conf import settings
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from referrals.models.captures import Capture
from referrals.models.codes import ReferralCode
from referrals.models.programs import ProgramTerms


class Status(models.TextChoices):
    """Where an attribution stands."""

    HELD = "held", _("Held")
    PENDING = "pending", _("Pending")
    QUALIFIED = "qualified", _("Qualified")
    REWARDED = "rewarded", _("Rewarded")
    REJECTED = "rejected", _("Rejected")
    REVERSED = "reversed", _("Reversed")


LIVE_STATUSES = (Status.HELD, Status.PENDING, Status.QUALIFIED, Status.REWARDED)


class AttributionQuerySet(models.QuerySet["Attribution"]):
    def live(self) -> "AttributionQuerySet":
        return self.filter(status__in=LIVE_STATUSES)

    def with_names(self) -> "AttributionQuerySet":
        """Join what every page and answer about an attribution shows."""
        return self.select_related("referrer", "referee", "code", "terms__program")


class Attribution(models.Model):
    """Who invited whom, under which terms, and how far it has come."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    terms = models.ForeignKey(
        ProgramTerms,
        models.PROTECT,
        related_name="attributions",
        db_index=False,
        verbose_name=_("terms"),
    )
    referee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="attributions_received",
        verbose_name=_("referee"),
    )
    referrer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="attributions_made",
        db_index=False,  # attribution_by_referrer serves
        verbose_name=_("referrer"),
    )
    code = models.ForeignKey(
        ReferralCode, models.PROTECT, related_name="attributions", verbose_name=_("code")
    )
    capture = models.ForeignKey(
        Capture,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="attributions",
        db_constraint=False,  # attribution_capture_is_the_referees holds more
        verbose_name=_("capture"),
    )
    replaces = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="replacements",
        db_index=False,  # attribution_by_replaced serves
        help_text=_("The attribution to another referrer that staff moved here."),
        verbose_name=_("replaces"),
    )
    status = models.CharField(_("status"), max_length=9, choices=Status.choices)
    awaits_age = models.BooleanField(
        _("awaits age"),
        default=False,
        help_text=_("Held until Clerk's creation time of the account is known."),
    )
    awaits_review = models.BooleanField(
        _("awaits review"), default=False, help_text=_("Held until staff decide.")
    )
    claimed_at = models.DateTimeField(_("claimed at"))
    qualified_at = models.DateTimeField(_("qualified at"), null=True, blank=True)
    release_at = models.DateTimeField(
        _("release at"),
        null=True,
        blank=True,
        help_text=_("When the referrer's reward may be paid."),
    )
    rewarded_at = models.DateTimeField(_("rewarded at"), null=True, blank=True)

    objects = AttributionQuerySet.as_manager()

    class Meta:
        verbose_name = _("attribution")
        verbose_name_plural = _("attributions")
        constraints = [
            models.UniqueConstraint(
                fields=["referee"],
                condition=Q(status__in=LIVE_STATUSES),
                name="attribution_live_is_one_per_referee",
            ),
            models.CheckConstraint(
                condition=~Q(referee=F("referrer")), name="attribution_referee_is_not_referrer"
            ),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="attribution_status_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[Status.QUALIFIED, Status.REWARDED])
                | Q(qualified_at__isnull=False, release_at__isnull=False),
                name="attribution_qualified_at_some_time",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.REWARDED) | Q(rewarded_at__isnull=False),
                name="attribution_rewarded_at_some_time",
            ),
            models.UniqueConstraint(
                fields=["replaces"],
                condition=Q(replaces__isnull=False, status__in=LIVE_STATUSES),
                name="attribution_live_replacement_is_one",
            ),
            models.CheckConstraint(
                condition=~Q(replaces=F("id")), name="attribution_does_not_replace_itself"
            ),
        ]
        permissions = [
            ("decide_attribution", "Can approve and reject held attributions"),
            ("reverse_attribution", "Can reverse attributions and their rewards"),
            ("move_attribution", "Can move attributions to another referrer"),
        ]
        indexes = [
            models.Index(fields=["referrer", "-claimed_at", "-id"], name="attribution_by_referrer"),
            models.Index(fields=["-claimed_at", "-id"], name="attribution_newest"),
            models.Index(fields=["status", "-claimed_at", "-id"], name="attribution_by_status"),
            models.Index(fields=["terms", "-claimed_at", "-id"], name="attribution_by_terms"),
            # The funnel reads these three, and no row.
            models.Index(
                fields=["claimed_at"], include=["terms", "referrer"], name="attribution_claimed"
            ),
            models.Index(
                fields=["qualified_at"],
                include=["terms"],
                condition=Q(qualified_at__isnull=False),
                name="attribution_qualified",
            ),
            models.Index(
                fields=["rewarded_at"],
                include=["terms", "referrer"],
                condition=Q(rewarded_at__isnull=False),
                name="attribution_rewarded",
            ),
            models.Index(
                fields=["-claimed_at", "-id"],
                condition=Q(awaits_review=True),
                name="attribution_awaits_review",
            ),
            models.Index(
                fields=["-claimed_at", "-id"],
                condition=Q(awaits_age=True),
                name="attribution_awaits_age",
            ),
            models.Index(
                fields=["release_at"],
                condition=Q(status=Status.QUALIFIED),
                name="attribution_to_release",
            ),
            models.Index(
                fields=["replaces"],
                condition=Q(replaces__isnull=False),
                name="attribution_by_replaced",
            ),
        ]

    def __str__(self) -> str:
        people = {"referee": self.referee, "referrer": self.referrer}
        return gettext("%(referee)s by %(referrer)s") % people

    @property
    def is_live(self) -> bool:
        return self.status in LIVE_STATUSES

    @property
    def referee_key(self) -> str:
        """Idempotency key, and so the name, of the referee's reward on the ledger."""
        return f"attribution:{self.pk}:referee"

    @property
    def referrer_key(self) -> str:
        """Idempotency key, and so the name, of the referrer's reward on the ledger."""
        return f"attribution:{self.pk}:referrer"

    @property
    def reference(self) -> str:
        """How ledger transactions name this attribution."""
        return f"attribution:{self.pk}"


class TimelineEntry(models.Model):
    """One move of an attribution: from which status to which, by whom and why."""

    attribution = models.ForeignKey(Attribution, models.PROTECT, related_name="timeline")
    at = models.DateTimeField()
    from_status = models.CharField(max_length=9, choices=Status.choices, blank=True)
    to_status = models.CharField(max_length=9, choices=Status.choices)
    actor = models.CharField(max_length=600)
    reason = models.TextField()

    class Meta:
        verbose_name = _("timeline entry")
        verbose_name_plural = _("timeline entries")
        ordering = ("id",)

    def __str__(self) -> str:
        return (
            f"{self.get_from_status_display() or gettext('new')} → {self.get_to_status_display()}"
        )


class Outcome(models.TextChoices):
    """What a decision came to."""

    ACCEPTED = "accepted", _("Accepted")
    HELD = "held", _("Held")
    REFUSED = "refused", _("Refused")


def raised(rule: str) -> Q:
    """Return the condition for decisions on which `rule` asked for a review."""
    return Q(evaluations__contains=[{"rule": rule, "verdict": "review"}])


# Rules that hold for review; each has an index of what it held, which is little.
REVIEW_RULES = {
    "devices_differ": "device",
    "mailboxes_differ": "mailbox",
    "mailbox_is_lasting": "disposable",
    "referrer_is_not_hurried": "referrer",
    "address_is_not_hurried": "address",
}


class Decision(models.Model):
    """One evaluation of a claim: every rule with its outcome and reason, refused ones too."""

    referee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="decisions_as_referee",
        db_index=False,  # decision_by_referee serves
        verbose_name=_("referee"),
    )
    referrer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="decisions_as_referrer",
        verbose_name=_("referrer"),
    )
    attribution = models.ForeignKey(
        Attribution,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="decisions",
        verbose_name=_("attribution"),
    )
    terms = models.ForeignKey(
        ProgramTerms, models.PROTECT, null=True, blank=True, db_index=False, verbose_name=_("terms")
    )
    capture = models.ForeignKey(
        Capture,
        models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,  # decision_by_referee serves
        db_constraint=False,  # decision_capture_is_the_referees holds more
        verbose_name=_("capture"),
    )
    code = models.CharField(_("code"), max_length=64)
    at = models.DateTimeField(_("at"))
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome.choices)
    refusal = models.CharField(_("refusal"), max_length=40, blank=True, default="")
    evaluations = models.JSONField(_("evaluations"), default=list)
    address_hash = models.CharField(_("address hash"), max_length=64, blank=True, default="")

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        indexes = [
            models.Index(fields=["referee", "at"], name="decision_by_referee"),
            models.Index(
                fields=["address_hash", "at"],
                condition=~Q(address_hash=""),
                name="decision_by_address",
            ),
            models.Index(
                fields=["at", "id"],  # those whose address has had its time, and nothing else
                condition=~Q(address_hash=""),
                name="decision_with_address",
            ),
            models.Index(fields=["-at", "-id"], name="decision_newest"),
            models.Index(fields=["outcome", "-at", "-id"], name="decision_by_outcome"),
            models.Index(
                fields=["refusal", "-at", "-id"],
                condition=~Q(refusal=""),
                name="decision_by_refusal",
            ),
            models.Index(OpClass(Upper("code"), "text_pattern_ops"), name="decision_code_begins"),
            *(
                models.Index(
                    fields=["attribution"],
                    condition=raised(rule),
                    name=f"decision_held_by_{name}",
                )
                for rule, name in REVIEW_RULES.items()
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} {self.refusal}".strip()
