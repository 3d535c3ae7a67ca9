"""What was opened and belongs to nobody yet: where an invitation that somebody misses may be."""

from datetime import datetime
from typing import Any

from referrals.models import Capture, ReferralCode
from referrals.services.story.visits import landed
from referrals.services.story.words import short

MOST = 50


def waiting_for(code: ReferralCode, *, now: datetime) -> dict[str, Any]:
    """Return the newest captures of a code that nobody has adopted, and whether there are more."""
    of_nobody = Capture.objects.open().filter(code=code, user__isnull=True)
    found = list(of_nobody.select_related("browser_session").order_by("-opened_at")[: MOST + 1])
    rows = [
        {
            "capture": capture,
            "landed": landed(capture),
            "device": short(capture.browser_session.device_id) if capture.browser_session else "",
            "is_expired": capture.expires_at <= now,
        }
        for capture in found[:MOST]
    ]
    return {"waiting": rows, "has_more_waiting": len(found) > MOST}
