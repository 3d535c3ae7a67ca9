from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Min, OuterRef, Q, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rewards.amounts import Amounts, Currency
from rewards.models import MAX_AMOUNT

MOST_DAYS = 3650
AT_LEAST_ONE = MinValueValidator(1)
AT_MOST_TEN_YEARS = MaxValueValidator(MOST_DAYS)
SIDES = ("referee", "referrer")


def _amount(name: Any) -> "models.PositiveIntegerField[int, int]":
    return models.PositiveIntegerField(name, default=0, validators=[MaxValueValidator(MAX_AMOUNT)])


class Program(models.Model):
    """A referral program; its conditions are in its numbered terms."""

    slug = models.SlugField(_("slug"), unique=True)
    name = models.CharField(_("name"), max_length=200)
    is_default = models.BooleanField(
        _("is default"),
        default=False,
        help_text=_("New people get their code in this program; there is one."),
    )
    is_active = models.BooleanField(_("is active"), default=True)
    starts_at = models.DateTimeField(_("starts at"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("program")
        verbose_name_plural = _("programs")
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="program_default_is_one"
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True)
                | Q(ends_at__isnull=True)
                | Q(starts_at__lt=models.F("ends_at")),
                name="program_starts_before_it_ends",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def is_running(self, now: datetime) -> bool:
        """Say whether claims are taken at `now`."""
        return (
            self.is_active
            and (self.starts_at is None or self.starts_at <= now)
            and (self.ends_at is None or now < self.ends_at)
        )


class Touch(models.TextChoices):
    """Which of several opened invitations counts."""

    FIRST = "first", _("First opened")
    LAST = "last", _("Last opened")


class ProgramTermsQuerySet(models.QuerySet["ProgramTerms"]):
    def in_force(self, now: datetime) -> "ProgramTermsQuerySet":
        """Return terms whose time has come, the one that counts first."""
        return self.filter(effective_from__lte=now).order_by("-version")

    def with_tenure(self) -> "ProgramTermsQuerySet":
        """Annotate `superseded_at`: from when on a newer version counts, if one does."""
        newer = ProgramTerms.objects.filter(
            program=OuterRef("program"), version__gt=OuterRef("version")
        )
        first = newer.order_by().values("program").annotate(at=Min("effective_from")).values("at")
        return self.annotate(superseded_at=Subquery(first))


class ProgramTerms(models.Model):
    """One immutable version of a program's conditions and rewards."""

    program = models.ForeignKey(
        Program, models.PROTECT, related_name="terms", db_index=False, verbose_name=_("program")
    )
    version = models.PositiveIntegerField(_("version"))
    effective_from = models.DateTimeField(_("effective from"), default=timezone.now)
    capture_days = models.PositiveIntegerField(
        _("capture days"),
        default=30,
        validators=[AT_LEAST_ONE, AT_MOST_TEN_YEARS],
        help_text=_("Days for which an opened invitation is kept."),
    )
    claim_days = models.PositiveIntegerField(
        _("claim days"),
        default=7,
        validators=[AT_LEAST_ONE, AT_MOST_TEN_YEARS],
        help_text=_("Days after Clerk made the account in which its owner may claim."),
    )
    touch = models.CharField(_("touch"), max_length=5, choices=Touch.choices, default=Touch.LAST)
    qualifying_event_type = models.CharField(
        _("qualifying event type"), max_length=100, default="reading.completed"
    )
    qualifying_event_count = models.PositiveIntegerField(
        _("qualifying event count"), default=1, validators=[AT_LEAST_ONE]
    )
    hold_days = models.PositiveIntegerField(
        _("hold days"),
        default=0,
        validators=[AT_MOST_TEN_YEARS],
        help_text=_("Days between qualification and the referrer's reward."),
    )
    daily_cap = models.PositiveIntegerField(
        _("daily cap"),
        null=True,
        blank=True,
        validators=[AT_LEAST_ONE],
        help_text=_("Most claims for one referrer in 24 hours; empty for no limit."),
    )
    total_cap = models.PositiveIntegerField(
        _("total cap"),
        null=True,
        blank=True,
        validators=[AT_LEAST_ONE],
        help_text=_("Most live attributions for one referrer; empty for no limit."),
    )
    referee_stars = _amount(_("referee stars"))
    referee_free_points = _amount(_("referee free points"))
    referee_coins = _amount(_("referee coins"))
    referee_exp = _amount(_("referee experience"))
    referrer_stars = _amount(_("referrer stars"))
    referrer_free_points = _amount(_("referrer free points"))
    referrer_coins = _amount(_("referrer coins"))
    referrer_exp = _amount(_("referrer experience"))
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        verbose_name=_("created by"),
    )
    reason = models.TextField(
        _("reason"),
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text=_("Why staff made this version."),
    )

    objects = ProgramTermsQuerySet.as_manager()

    class Meta:
        verbose_name = _("program terms")
        verbose_name_plural = _("program terms")
        constraints = [
            models.UniqueConstraint(
                fields=["program", "version"], name="terms_version_is_unique_in_program"
            ),
            models.CheckConstraint(
                condition=Q(version__gte=1)
                & Q(capture_days__gte=1)
                & Q(claim_days__gte=1)
                & Q(qualifying_event_count__gte=1)
                & Q(capture_days__lte=MOST_DAYS)
                & Q(claim_days__lte=MOST_DAYS)
                & Q(hold_days__lte=MOST_DAYS),
                name="terms_counts_are_sensible",
            ),
            models.CheckConstraint(
                condition=Q(
                    **{
                        f"{side}_{currency}__lte": MAX_AMOUNT
                        for side in SIDES
                        for currency in Currency.values
                    }
                ),
                name="terms_amounts_are_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.program} v{self.version}"

    @property
    def referee_amounts(self) -> Amounts:
        """What the invited person gets."""
        return Amounts(
            self.referee_stars, self.referee_free_points, self.referee_coins, self.referee_exp
        )

    @property
    def referrer_amounts(self) -> Amounts:
        """What the inviter gets, once the invited person has qualified."""
        return Amounts(
            self.referrer_stars, self.referrer_free_points, self.referrer_coins, self.referrer_exp
        )

    @property
    def claim_window(self) -> timedelta:
        return timedelta(days=self.claim_days)

    @property
    def hold(self) -> timedelta:
        return timedelta(days=self.hold_days)
