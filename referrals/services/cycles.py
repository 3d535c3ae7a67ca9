"""Keep the graph of invitations free of rings: nobody is, through others, their own inviter."""

from django.db import connection

from accounts.models import User
from referrals.models import LIVE_STATUSES

# Any number that no other lock of the project uses: one walk of the graph of invitations at a time.
CYCLE_LOCK = 7_210_001


def invited(*, referee: User, referrer: User) -> bool:
    """Say whether `referee` invited `referrer`, directly or through others.

    The caller holds the locks on both people's rows. One such walk runs at a time, to its end of
    transaction. A claim asks only if its referee has invited somebody: of the claims that would
    close a ring together, each locks two neighbours, so the last one to commit finds its referee to
    be a referrer already, comes here, and sees the others. Corrections always ask.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CYCLE_LOCK])
        cursor.execute(
            _INVITERS,
            {
                "referee": referee.pk,
                "referrer": referrer.pk,
                "live": [str(status) for status in LIVE_STATUSES],
            },
        )
        return bool(cursor.fetchone()[0])


_INVITERS = """
WITH RECURSIVE inviter (id) AS (
    SELECT referrer_id FROM referrals_attribution
    WHERE referee_id = %(referrer)s AND status = ANY(%(live)s)
    UNION
    SELECT a.referrer_id FROM referrals_attribution a JOIN inviter ON a.referee_id = inviter.id
    WHERE a.status = ANY(%(live)s)
)
SELECT EXISTS (SELECT FROM inviter WHERE id = %(referee)s)
"""
