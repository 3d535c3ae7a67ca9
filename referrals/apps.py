from datetime import datetime
from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from accounts.signals import account_age_learned, user_erased, user_provisioned


class ReferralsConfig(AppConfig):
    name = "referrals"
    verbose_name = _("Referrals")

    def ready(self) -> None:
        user_provisioned.connect(_make_code, dispatch_uid="referrals.make_code")
        account_age_learned.connect(_resolve_held, dispatch_uid="referrals.resolve_held")
        user_erased.connect(_erase, dispatch_uid="referrals.erase")


def _make_code(*, user: Any, now: datetime, **kwargs: Any) -> None:
    from referrals.services.codes import create_referral_code

    create_referral_code(owner=user, now=now)


def _resolve_held(*, user: Any, now: datetime, **kwargs: Any) -> None:
    from referrals.services.releases import resolve_held_of

    resolve_held_of(user=user, now=now)


def _erase(*, user: Any, now: datetime, **kwargs: Any) -> dict[str, int]:
    from referrals.services.erasure import erase_referral_data

    return erase_referral_data(user=user, now=now)
