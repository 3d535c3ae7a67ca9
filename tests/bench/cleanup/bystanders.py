"""People who open codes and claim while the clean-up runs, in a process of their own.

They go for the very rows that are being cleaned: browsers in which a code had expired open it
again, and people who hold expired captures claim. Whoever waits longer than 50 ms for a lock fails.
Prints what each call took, in milliseconds, once it is told to stop by the end of its input.
"""

import json
import os
import select
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import count

import django

LONGEST_WAIT = "50ms"
SAMPLE = 20_000


def main(seed: int) -> None:
    from django.db import OperationalError, connection  # needs the settings

    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{LONGEST_WAIT}'")
    calls = _calls(seed)
    times: defaultdict[str, list[float]] = defaultdict(list)
    failures: list[str] = []
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for n in count():
        name, call = calls[n % len(calls)]
        began = time.perf_counter()
        try:
            call(n)
        except OperationalError as error:  # it waited too long for a lock
            failures.append(f"{name}: {error}")
        times[name].append((time.perf_counter() - began) * 1000)
        if select.select([sys.stdin], [], [], 0)[0]:
            break
    sys.stdout.write(json.dumps({"times": times, "failures": failures}))


def _calls(seed: int) -> list[tuple[str, Callable[[int], None]]]:
    from uuid import uuid4

    from django.db import connection
    from django.utils import timezone

    from accounts.clerk.tokens import TokenProfile
    from accounts.models import User
    from accounts.services import provision_user
    from referrals.browser_session import BrowserToken
    from referrals.services.captures import capture_code
    from referrals.services.claims import claim_referral

    with connection.cursor() as cursor:
        cursor.execute(_EXPIRED, {"held": False, "seed": seed, "sample": SAMPLE})
        visits = cursor.fetchall()
        cursor.execute(_EXPIRED, {"held": True, "seed": seed, "sample": SAMPLE})
        holders = cursor.fetchall()
    new = (f"user_new_{seed}_{n}" for n in count())

    def open_again(n: int) -> None:
        """A visitor, in a browser whose capture had expired."""
        session, device, code, _ = visits[n % len(visits)]
        browser = BrowserToken(session_id=session, device_id=device, holds_captures=True)
        capture_code(code=code, user=None, browser=browser, now=timezone.now())

    def open_first(n: int) -> None:
        browser = BrowserToken.issue(device_id=uuid4())
        capture_code(
            code=visits[n % len(visits)][2], user=None, browser=browser, now=timezone.now()
        )

    def claim_new(n: int) -> None:
        """Somebody new opens a code, signed in, and claims it."""
        now = timezone.now()
        user = provision_user(
            clerk_id=next(new), now=now, profile=TokenProfile(account_created_at=now)
        )
        capture_code(code=visits[n % len(visits)][2], user=user, browser=None, now=now)
        claim_referral(user=user, actor="bench", code=None, address="", now=now)

    def claim_holding(n: int) -> None:
        """Somebody who holds expired captures opens another code: all of theirs are touched."""
        _, _, code, person = holders[n % len(holders)]
        user = User.objects.get(pk=person)
        capture_code(code=code, user=user, browser=None, now=timezone.now())

    return [
        ("open a code again that had expired", open_again),
        ("open a code", open_first),
        ("open and claim, somebody new", claim_new),
        ("open again, signed in", claim_holding),
    ]


_EXPIRED = """
SELECT browser_session_id, device_id, code, user_id
FROM referrals_capture TABLESAMPLE system (20) REPEATABLE (%(seed)s)
JOIN referrals_referralcode ON referrals_referralcode.id = code_id
JOIN referrals_browsersession ON referrals_browsersession.id = browser_session_id
WHERE expires_at < now() - interval '1 day' AND closed_at IS NULL
  AND (user_id IS NOT NULL) = %(held)s
ORDER BY random() LIMIT %(sample)s
"""


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.settings"
    django.setup()
    main(int(sys.argv[1]))
