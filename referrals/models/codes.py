import re

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from referrals.models.programs import Program

SEPARATORS = re.compile(r"[\s\-]+")


def normalized_code(text: str) -> str:
    """Return a code as it is stored: case, spaces and hyphens do not matter to people."""
    return SEPARATORS.sub("", text).upper()


class ReferralCodeQuerySet(models.QuerySet["ReferralCode"]):
    def typed(self, text: str) -> "ReferralCodeQuerySet":
        """Return the code that somebody typed, whatever its state."""
        return self.filter(code=normalized_code(text))

    def usable(self) -> "ReferralCodeQuerySet":
        """Return codes that are active and whose owner is neither deleted nor banned."""
        return self.filter(
            is_active=True, owner__deleted_at__isnull=True, owner__banned_at__isnull=True
        )


class ReferralCode(models.Model):
    """What an inviter shares; one of an owner's codes is primary, the older ones keep working."""

    program = models.ForeignKey(
        Program, models.PROTECT, related_name="codes", db_index=False, verbose_name=_("program")
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="referral_codes",
        verbose_name=_("owner"),
    )
    code = models.CharField(_("code"), max_length=32, unique=True)
    is_primary = models.BooleanField(_("is primary"), default=True)
    is_active = models.BooleanField(_("is active"), default=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    objects = ReferralCodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("referral code")
        verbose_name_plural = _("referral codes")
        constraints = [
            models.CheckConstraint(
                condition=Q(code__regex=r"^[A-Z0-9]{4,32}$"), name="code_is_normalized"
            ),
            models.UniqueConstraint(
                fields=["owner", "program"],
                condition=Q(is_primary=True),
                name="code_primary_is_one_per_owner_and_program",
            ),
        ]
        indexes = [
            models.Index(fields=["-created_at", "-id"], name="code_newest"),
            models.Index(fields=["program", "-created_at", "-id"], name="code_by_program"),
            models.Index(
                fields=["-created_at", "-id"], name="code_inactive", condition=Q(is_active=False)
            ),
            models.Index(
                fields=["-created_at", "-id"], name="code_older", condition=Q(is_primary=False)
            ),
            models.Index(fields=["program", "id"], name="code_of_program"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def share_url(self) -> str:
        """The link to share: the web app's address with the code as `ref`."""
        return f"{settings.APP_URL}/?ref={self.code}"

    def is_usable(self) -> bool:
        return self.is_active and not self.owner.is_gone
