"""What the ledger asks before it pays an attribution's reward once more."""

from django.utils.translation import gettext as _

from referrals.models import Attribution, Status
from referrals.services.attributions import lock_people

OWED = {
    "referee": {Status.PENDING, Status.QUALIFIED, Status.REWARDED},
    "referrer": {Status.REWARDED},
}


def objection_to_paying(*, key: str) -> str:
    """Say why the reward under this key (`attribution:ID:SIDE`) is not due, or "" if it is.

    The people stay locked until the end of the database transaction, so that nobody changes the
    attribution meanwhile.
    """
    _namespace, id_, side, *_more = key.split(":")
    people = Attribution.objects.values_list("referee_id", "referrer_id").get(pk=id_)
    lock_people(*people)
    attribution = Attribution.objects.with_names().get(pk=id_)
    if attribution.status in OWED[side]:
        return ""
    return _(
        "The reward belongs to an attribution that is %(status)s (%(attribution)s), so it stays"
        " taken back. Correct the attribution, on its own page."
    ) % {"status": attribution.get_status_display().lower(), "attribution": attribution}
