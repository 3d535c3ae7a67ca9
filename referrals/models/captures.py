from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from referrals.models.codes import ReferralCode


class BrowserSession(models.Model):
    """An anonymous visitor of a browser, known to the server once it has stored a code.

    Adopted by one user, once; after that the browser is given another.
    """

    id = models.UUIDField(_("id"), primary_key=True, editable=False)
    device_id = models.UUIDField(_("device id"), editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    adopted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        verbose_name=_("adopted by"),
    )
    adopted_at = models.DateTimeField(_("adopted at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("browser session")
        verbose_name_plural = _("browser sessions")
        constraints = [
            models.CheckConstraint(
                condition=Q(adopted_at__isnull=True, adopted_by__isnull=True)
                | Q(adopted_at__isnull=False, adopted_by__isnull=False),
                name="browser_session_adopted_by_somebody_at_some_time",
            )
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="browser_session_newest"),
            models.Index(fields=["device_id", "-created_at"], name="browser_session_of_device"),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class UserDevice(models.Model):
    """A person was signed in on a device; recorded once for the two."""

    device_id = models.UUIDField(_("device id"), editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="devices",
        editable=False,
        verbose_name=_("user"),
    )
    first_seen_at = models.DateTimeField(_("first seen at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("user device")
        verbose_name_plural = _("user devices")
        constraints = [
            models.UniqueConstraint(
                fields=["device_id", "user"], name="user_device_is_recorded_once"
            )
        ]
        indexes = [models.Index(fields=["-first_seen_at", "-id"], name="user_device_newest")]

    def __str__(self) -> str:
        return gettext("%(user)s on %(device)s") % {"user": self.user, "device": self.device_id}


class ClosedReason(models.TextChoices):
    """Why a capture can no longer be claimed."""

    CLAIMED = "claimed", _("Claimed")
    FORGOTTEN = "forgotten", _("Forgotten at the visitor's wish")
    OWN_CODE = "own_code", _("Opened by the code's owner")
    MERGED = "merged", _("Same code held already")
    ERASED = "erased", _("Its person was erased")


class CaptureQuerySet(models.QuerySet["Capture"]):
    def open(self) -> "CaptureQuerySet":
        """Return captures that nothing has closed, the expired ones too."""
        return self.filter(closed_at__isnull=True)

    def claimable(self, now: datetime) -> "CaptureQuerySet":
        """Return captures that a claim at `now` could use."""
        return self.open().filter(expires_at__gt=now)

    def of_visitor(self, session_id: UUID) -> "CaptureQuerySet":
        """Return what was opened in a browser session and adopted by nobody."""
        return self.filter(browser_session=session_id, user__isnull=True)


class Capture(models.Model):
    """One code, opened in one browser session or by one user."""

    code = models.ForeignKey(
        ReferralCode, models.PROTECT, related_name="captures", verbose_name=_("code")
    )
    browser_session = models.ForeignKey(
        BrowserSession,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="captures",
        verbose_name=_("browser session"),
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="captures",
        verbose_name=_("user"),
    )
    first_opened_at = models.DateTimeField(_("first opened at"))
    opened_at = models.DateTimeField(_("opened at"), help_text=_("Opened last."))
    expires_at = models.DateTimeField(_("expires at"))
    adopted_at = models.DateTimeField(_("adopted at"), null=True, blank=True)
    landing_url = models.CharField(_("landing url"), max_length=2048, blank=True, default="")
    utm = models.JSONField(_("utm"), default=dict, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_reason = models.CharField(
        _("closed reason"), max_length=10, choices=ClosedReason.choices, blank=True, default=""
    )

    objects = CaptureQuerySet.as_manager()

    class Meta:
        verbose_name = _("capture")
        verbose_name_plural = _("captures")
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False)
                | Q(browser_session__isnull=False)
                | Q(closed_at__isnull=False),
                name="capture_belongs_to_somebody",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_reason="")
                | Q(closed_at__isnull=False) & ~Q(closed_reason=""),
                name="capture_is_closed_for_a_reason",
            ),
            # What attributions and decisions refer to: the capture together with whose it is.
            models.UniqueConstraint(fields=["id", "user"], name="capture_is_of_one_user"),
            models.UniqueConstraint(
                fields=["user", "code"],
                condition=Q(closed_at__isnull=True),
                name="capture_open_is_one_per_user_and_code",
            ),
            models.UniqueConstraint(
                fields=["browser_session", "code"],
                condition=Q(closed_at__isnull=True, user__isnull=True),
                name="capture_open_is_one_per_browser_session_and_code",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="capture_expires_at"),
            models.Index(fields=["-opened_at", "-id"], name="capture_newest"),
            models.Index(fields=["closed_reason", "-opened_at", "-id"], name="capture_by_reason"),
            models.Index(
                fields=["code", "-opened_at"],
                condition=Q(user__isnull=True, closed_at__isnull=True),
                name="capture_of_nobody_yet",
            ),
            # The funnel reads these three, and no row.
            models.Index(fields=["first_opened_at"], include=["code"], name="capture_first_opened"),
            models.Index(
                fields=["first_opened_at"],
                include=["code"],
                condition=Q(adopted_at__isnull=True, user__isnull=False),
                name="capture_opened_signed_in",
            ),
            models.Index(
                fields=["adopted_at"],
                include=["code"],
                condition=Q(adopted_at__isnull=False),
                name="capture_adopted",
            ),
        ]

    def __str__(self) -> str:
        opened = {"code": self.code, "time": f"{self.opened_at:%Y-%m-%d %H:%M}"}
        return gettext("%(code)s opened %(time)s") % opened

    @property
    def scope(self) -> str:
        """`user` or `browser_session`, as the API names them."""
        return "user" if self.user_id else "browser_session"
