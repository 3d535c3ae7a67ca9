"""What signing in to the back office needs to remember.

Invariants, held by the database:

- Attempts are counted by a keyed hash of who tried from where; neither the name that was typed nor
  the address can be read off it.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_totp.models import TOTPDevice


class SignInAttempts(models.Model):
    """How often one name, or any, was tried from one place since the first time."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    since = models.DateTimeField()

    class Meta:
        verbose_name = _("sign-in attempts")
        verbose_name_plural = _("sign-in attempts")
        indexes = [models.Index(fields=["since"], name="sign_in_attempts_since")]

    def __str__(self) -> str:
        return f"{self.count} since {self.since:%Y-%m-%d %H:%M}"


class SecondFactorManager(models.Manager["SecondFactor"]):
    def get_queryset(self) -> "models.QuerySet[SecondFactor]":
        return super().get_queryset().filter(confirmed=True)


class SecondFactor(TOTPDevice):  # type: ignore[misc]  # django-otp has no types
    """An authenticator app that a member of staff has set up, as the admin lists it."""

    objects: ClassVar[SecondFactorManager] = SecondFactorManager()

    class Meta:
        proxy = True
        verbose_name = _("second factor")
        verbose_name_plural = _("second factors")

    def __str__(self) -> str:
        return str(self.user)
