"""Forget an erased person, and keep what the ledger and the inviter's figures stand on."""

from datetime import datetime

from django.utils.translation import gettext_noop

from accounts.models import User
from referrals.models import Capture, ClosedReason, Decision, QualifyingEvent, UserDevice
from referrals.services.attributions import reject_held_of


def erase_referral_data(*, user: User, now: datetime) -> None:
    """Drop what the person opened, where from and what services said of them; decide what is held.

    The caller holds the lock on the user's row.
    """
    captures = Capture.objects.filter(user=user)
    captures.open().update(closed_at=now, closed_reason=ClosedReason.ERASED)
    captures.update(landing_url="", utm={})
    UserDevice.objects.filter(user=user).delete()
    QualifyingEvent.objects.filter(user=user).exclude(data={}).update(data={})
    Decision.objects.filter(referee=user).exclude(address_hash="").update(address_hash="")
    reject_held_of(user=user, reason=gettext_noop("The referee's account was deleted."), now=now)
