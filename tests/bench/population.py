"""The people of the benchmark: known ones, ones about to claim, ones about to read.

Each person's row id is also the number in their Clerk id, code and attribution, so that a pgbench
script can name any of them by one variable. Rows are cloned from one that the services made.
"""

from datetime import timedelta

from django.db import connection
from django.utils import timezone

from accounts.clerk.tokens import TokenProfile
from accounts.models import User
from accounts.services import provision_user
from referrals.models import Attribution, Capture, QualifyingEvent, ReferralCode
from referrals.services.captures import capture_code
from referrals.services.claims import claim_referral
from referrals.services.events import NewEvent, record_event
from rewards.amounts import Amounts
from rewards.models import Account
from rewards.services.posting import Posting, from_house, post

KNOWN = 1_000_000_000
"""Number of the first known person: with a code, money, readings, and invited by another."""
HOW_MANY_KNOWN = 1000
READINGS_EACH = 200
READERS = 100
OTHER_IDS = 7_000_000_000
"""Where the row ids of everything else begin, so that no number means two things."""


def known(serial: int) -> int:
    """Return the number of the known person who takes part in the request `serial`."""
    return KNOWN + serial % HOW_MANY_KNOWN


def clerk_id(number: int) -> str:
    return f"bench_{number}"


def code_of(number: int) -> str:
    return f"BENCH{number}"


def populate(*, claimers: range, readers: range) -> None:
    """Make the known people, and one who may claim or whose first reading comes, for each number.

    `claimers` have opened the code of `known(n)`; `readers` were attributed to them.
    """
    _spread_ids()
    _make_templates()
    everyone = range(KNOWN, KNOWN + HOW_MANY_KNOWN)
    for numbers in (everyone, claimers, readers):
        _clone(User, numbers, id="n", clerk_id="'bench_' || n")
        _clone(ReferralCode, numbers, id="n", owner_id="n", code="'BENCH' || n")
    inviter = f"{KNOWN} + n %% {HOW_MANY_KNOWN}"
    _clone(Capture, claimers, id="n", user_id="n", code_id=inviter)
    attribution = {"id": "'00000000-0000-7000-8000-00' || n", "referee_id": "n"}
    _clone(Attribution, readers, **attribution, referrer_id=inviter, code_id=inviter)
    neighbour = f"{KNOWN} + (n + 1) %% {HOW_MANY_KNOWN}"
    _clone(Attribution, everyone, **attribution, referrer_id=neighbour, code_id=neighbour)
    for n in range(READINGS_EACH):
        number = f"n * {READINGS_EACH} + {n}"
        event = {"id": number, "event_id": f"'past-' || ({number})"}
        _clone(QualifyingEvent, everyone[:READERS], **event, user_id="n")
    _give(everyone)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _make_templates() -> None:
    """Let the services make one of everything; the template's people come to nobody's eyes."""
    now = timezone.now()
    profile = TokenProfile(first_name="Ploy", account_created_at=now - timedelta(days=1))
    older = TokenProfile(first_name="Nok", account_created_at=now - timedelta(days=2))
    inviter = provision_user(clerk_id="template_inviter", now=now, profile=older)
    person = provision_user(clerk_id="template", now=now, profile=profile)
    code = ReferralCode.objects.get(owner=inviter).code
    claim_referral(user=person, code=code, address="", actor="bench", now=now)
    capture_code(code=code, user=person, browser=None, now=now)
    event = NewEvent(event_id="template", type="reading.completed", clerk_id="template_inviter")
    record_event(event=event, source="bench", now=now)


def _clone(model: type, numbers: range, **columns: str) -> None:
    """Insert the template's row once for each of `numbers`, with `columns` computed from `n`."""
    meta = model._meta  # type: ignore[attr-defined]
    template = model.objects.latest(meta.pk.name)  # type: ignore[attr-defined]
    changes = ", ".join(f"'{name}', {value}" for name, value in columns.items())
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {meta.db_table} OVERRIDING SYSTEM VALUE"
            f" SELECT (jsonb_populate_record(template, jsonb_build_object({changes}))).*"
            f" FROM {meta.db_table} AS template, generate_series(%s::bigint, %s::bigint) AS n"
            " WHERE template.id = %s",
            [numbers.start, numbers.stop - 1, template.pk],
        )


def _give(numbers: range) -> None:
    """Give each person more than the benchmark can spend."""
    lines = from_house(Account.ISSUED, Amounts(stars=1_000_000, free_points=1_000_000))
    postings = [
        Posting(user_id=number, kind="grant", key=f"bench:{number}", lines=lines)
        for number in numbers
    ]
    post(postings, now=timezone.now())


def _spread_ids() -> None:
    """Let every table count from a number of its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('ALTER SEQUENCE %%I RESTART %%s', sequencename,"
            " %s + 10000000 * row_number() OVER (ORDER BY sequencename))"
            " FROM pg_sequences WHERE schemaname = 'public' AND data_type = 'bigint'::regtype",
            [OTHER_IDS],
        )
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)
