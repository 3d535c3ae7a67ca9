"""What PostgreSQL itself refuses, whoever asks: these tests go around the services."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from referrals.models import Attribution, BrowserSession, Capture, Decision, ReferralCode, Status
from tests.factories import (
    AttributionFactory,
    BrowserSessionFactory,
    CaptureFactory,
    ReferralCodeFactory,
    TermsFactory,
    UserFactory,
    default_program,
)

pytestmark = pytest.mark.django_db


def sql(statement: str, *values: Any) -> None:
    """Send raw SQL, in a savepoint of its own."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def refuses(constraint: str, statement: str, *values: Any) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        sql(statement, *values)


def copy_of(row: Any, **changes: Any) -> tuple[str, list[Any]]:
    """Return the INSERT of another row like this one."""
    fields = [f for f in row._meta.concrete_fields if not f.primary_key or "id" in changes]
    columns = ", ".join(f.column for f in fields)
    values = [
        changes.get(f.column, f.get_db_prep_save(f.value_from_object(row), connection))
        for f in fields
    ]
    marks = ", ".join(["%s"] * len(fields))
    return f"INSERT INTO {row._meta.db_table} ({columns}) VALUES ({marks})", values


def refuses_copy(constraint: str, row: Any, **changes: Any) -> None:
    statement, values = copy_of(row, **changes)
    refuses(constraint, statement, *values)


def test_a_second_live_attribution_of_one_referee() -> None:
    for first in (Status.HELD, Status.PENDING):
        standing = AttributionFactory(status=first, awaits_review=first == Status.HELD)
        refuses_copy(
            "attribution_live_is_one_per_referee",
            standing,
            id=uuid.uuid4(),
            referrer_id=UserFactory().pk,
        )
        Attribution.objects.filter(pk=standing.pk).update(status=Status.REVERSED)


def test_a_new_attribution_after_a_reversal_is_not_refused() -> None:
    over = AttributionFactory(status=Status.REVERSED)

    statement, values = copy_of(over, id=uuid.uuid4(), status="held")
    sql(statement, *values)

    assert Attribution.objects.filter(referee=over.referee).count() == 2


def test_attributing_somebody_to_themselves() -> None:
    standing = AttributionFactory()
    refuses(
        "attribution_referee_is_not_referrer",
        "UPDATE referrals_attribution SET referrer_id = referee_id WHERE id = %s",
        standing.pk,
    )


def test_an_attribution_that_replaces_itself() -> None:
    standing = AttributionFactory()
    refuses(
        "attribution_does_not_replace_itself",
        "UPDATE referrals_attribution SET replaces_id = id WHERE id = %s",
        standing.pk,
    )


def test_two_live_replacements_of_one_attribution() -> None:
    replaced = AttributionFactory(status=Status.REVERSED)
    ended = AttributionFactory(status=Status.REVERSED, replaces=replaced, terms=replaced.terms)
    standing = AttributionFactory(replaces=replaced, terms=replaced.terms)

    refuses(
        "attribution_live_replacement_is_one",
        "UPDATE referrals_attribution SET status = 'held' WHERE id = %s",
        ended.pk,
    )

    Attribution.objects.filter(pk__in=[ended.pk, standing.pk]).update(replaces=None)


def test_a_status_that_does_not_exist() -> None:
    AttributionFactory()
    refuses("attribution_status_is_known", "UPDATE referrals_attribution SET status = 'paid'")


@pytest.mark.parametrize(
    ("constraint", "status"),
    [
        ("attribution_qualified_at_some_time", "qualified"),
        ("attribution_(qualified|rewarded)_at_some_time", "rewarded"),
    ],
)
def test_a_status_without_its_time(constraint: str, status: str) -> None:
    AttributionFactory()
    refuses(constraint, "UPDATE referrals_attribution SET status = %s", status)


def test_a_rewarded_attribution_without_its_time() -> None:
    AttributionFactory()
    refuses(
        "attribution_rewarded_at_some_time",
        "UPDATE referrals_attribution"
        " SET status = 'rewarded', qualified_at = now(), release_at = now()",
    )


@pytest.mark.parametrize("code", ["nok-1", "NOK 1", "nok12", "ABC", "A" * 33, "ÅÄÖ12", ""])
def test_a_code_that_is_not_normalized(code: str) -> None:
    ReferralCodeFactory()
    with pytest.raises(DatabaseError, match=r"code_is_normalized|too long"):
        sql("UPDATE referrals_referralcode SET code = %s", code)


def test_the_same_code_twice() -> None:
    refuses_copy("referrals_referralcode_code", ReferralCodeFactory(), is_primary=False)


def test_two_primary_codes_of_one_owner() -> None:
    refuses_copy("code_primary_is_one_per_owner_and_program", ReferralCodeFactory(), code="ANOTHER")


def test_two_default_programs() -> None:
    refuses_copy("program_default_is_one", default_program(), slug="second")


def test_a_program_that_ends_before_it_starts() -> None:
    refuses(
        "program_starts_before_it_ends",
        "UPDATE referrals_program SET starts_at = now(), ends_at = now() - interval '1 day'",
    )


def test_one_version_of_terms_twice() -> None:
    refuses_copy("terms_version_is_unique_in_program", TermsFactory())


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 0},
        {"capture_days": 0},
        {"claim_days": 0},
        {"qualifying_event_count": 0},
        {"capture_days": 100_000},
        {"claim_days": 100_000},
        {"hold_days": 100_000},
    ],
)
def test_terms_that_make_no_sense(changes: dict[str, int]) -> None:
    refuses_copy("terms_counts_are_sensible", TermsFactory(), **{"version": 77, **changes})


@pytest.mark.parametrize("column", ["referee_stars", "referrer_coins", "hold_days", "daily_cap"])
def test_negative_amounts_and_counts_in_terms(column: str) -> None:
    refuses_copy(f"{column}_check", TermsFactory(), **{"version": 77, column: -1})


def test_a_capture_of_nobody() -> None:
    CaptureFactory()
    refuses("capture_belongs_to_somebody", "UPDATE referrals_capture SET user_id = NULL")


@pytest.mark.parametrize(
    "change", ["closed_at = now()", "closed_reason = 'claimed'", "closed_reason = 'forgotten'"]
)
def test_a_capture_closed_for_no_reason_or_at_no_time(change: str) -> None:
    CaptureFactory()
    refuses("capture_is_closed_for_a_reason", f"UPDATE referrals_capture SET {change}")


def test_the_same_code_open_twice_for_one_user() -> None:
    refuses_copy("capture_open_is_one_per_user_and_code", CaptureFactory())


def test_the_same_code_open_twice_in_one_browser_session() -> None:
    capture = CaptureFactory(user=None, browser_session=BrowserSessionFactory())
    refuses_copy("capture_open_is_one_per_browser_session_and_code", capture)


@pytest.mark.parametrize("half", ["adopted_at", "adopted_by"])
def test_a_browser_session_adopted_by_nobody_or_at_no_time(half: str) -> None:
    session = BrowserSessionFactory()
    change = "adopted_at = now()" if half == "adopted_at" else f"adopted_by_id = {UserFactory().pk}"
    refuses(
        "browser_session_adopted_by_somebody_at_some_time",
        f"UPDATE referrals_browsersession SET {change} WHERE id = %s",
        session.pk,
    )


def test_one_device_of_one_person_twice() -> None:
    person, device = UserFactory(), uuid.uuid4()
    insert = (
        "INSERT INTO referrals_userdevice (user_id, device_id, first_seen_at)"
        " VALUES (%s, %s, now())"
    )
    sql(insert, person.pk, device)
    refuses("user_device_is_recorded_once", insert, person.pk, device)


def test_one_event_id_twice() -> None:
    insert = (
        "INSERT INTO referrals_qualifyingevent (event_id, type, user_id, occurred_at, received_at,"
        " data, content_hash, source) VALUES ('evt_1', 'x', %s, now(), now(), '{}', '', '')"
    )
    person = UserFactory()
    sql(insert, person.pk)
    refuses("event_id", insert, person.pk)


def _decision() -> Decision:
    capture = CaptureFactory()
    return Decision.objects.create(
        referee=capture.user,
        attribution=AttributionFactory(),
        capture=capture,
        code="ABCD",
        at=timezone.now(),
        outcome="held",
        address_hash="ab" * 32,
        evaluations=[{"rule": "account_is_new", "verdict": "unknown", "reason": "Not known."}],
    )


@pytest.mark.parametrize(
    ("table", "change", "make"),
    [
        ("referrals_programterms", "referrer_coins = 1000000", TermsFactory),
        ("referrals_timelineentry", "reason = 'nothing happened'", AttributionFactory),
        ("referrals_timelineentry", "actor = 'somebody else'", AttributionFactory),
        ("referrals_decision", "outcome = 'accepted'", _decision),
        ("referrals_decision", "evaluations = '[]'", _decision),
        ("referrals_decision", "address_hash = 'other'", _decision),
        ("referrals_decision", "code = 'OTHER'", _decision),
    ],
)
def test_changing_what_is_only_added_to(table: str, change: str, make: Callable[[], Any]) -> None:
    make()
    refuses("append-only: UPDATE", f"UPDATE {table} SET {change}")


@pytest.mark.parametrize(
    ("table", "make"),
    [
        ("referrals_programterms", TermsFactory),
        ("referrals_timelineentry", AttributionFactory),
        ("referrals_decision", _decision),
    ],
)
def test_deleting_what_is_only_added_to(table: str, make: Callable[[], Any]) -> None:
    make()
    refuses("append-only: DELETE", f"DELETE FROM {table}")


@pytest.mark.parametrize(
    "table", ["referrals_programterms", "referrals_timelineentry", "referrals_decision"]
)
def test_truncating_what_is_only_added_to(table: str) -> None:
    refuses("append-only: TRUNCATE", f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize("whose", ["nobody's", "somebody else's"])
def test_an_attribution_or_a_decision_by_a_capture_that_is_not_the_referees(whose: str) -> None:
    session, holder = BrowserSessionFactory(), UserFactory() if "else" in whose else None
    capture = CaptureFactory(user=holder, browser_session=session)
    over = AttributionFactory(status=Status.REVERSED)
    now = "; SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED"

    for constraint, row, changes in (
        ("attribution_capture_is_the_referees", over, {"id": uuid.uuid4()}),
        ("decision_capture_is_the_referees", _decision(), {}),
    ):
        statement, values = copy_of(row, capture_id=capture.pk, **changes)
        refuses(constraint, statement + now, *values)


def test_deleting_a_capture_that_an_attribution_stands_on() -> None:
    capture = CaptureFactory()
    AttributionFactory(capture=capture, referee=capture.user)

    refuses(
        "attribution_capture_is_the_referees",
        "DELETE FROM referrals_capture WHERE id = %s",
        capture.pk,
    )


def test_a_decision_loses_its_capture_with_it() -> None:
    decision = _decision()

    sql("DELETE FROM referrals_capture WHERE id = %s", decision.capture_id)

    decision.refresh_from_db()
    assert decision.capture_id is None


def test_a_decision_may_lose_its_address_and_its_capture() -> None:
    decision = _decision()

    sql("UPDATE referrals_decision SET address_hash = ''")
    sql("UPDATE referrals_decision SET capture_id = NULL")

    decision.refresh_from_db()
    assert (decision.address_hash, decision.capture) == ("", None)


@pytest.mark.parametrize(
    ("table", "victim"),
    [
        ("accounts_user", lambda a: a.referee_id),
        ("accounts_user", lambda a: a.referrer_id),
        ("referrals_referralcode", lambda a: a.code_id),
        ("referrals_programterms", lambda a: a.terms_id),
    ],
)
def test_deleting_what_an_attribution_stands_on(
    table: str, victim: Callable[[Attribution], Any]
) -> None:
    attribution = AttributionFactory()
    with pytest.raises(IntegrityError):
        sql(
            f"DELETE FROM {table} WHERE id = %s; SET CONSTRAINTS ALL IMMEDIATE", victim(attribution)
        )


def test_every_constraint_of_the_models_stands_in_the_database() -> None:
    models = (Attribution, BrowserSession, Capture, Decision, ReferralCode)
    named = {c.name for model in models for c in model._meta.constraints}
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint UNION SELECT indexname FROM pg_indexes")
        assert named <= {name for (name,) in cursor.fetchall()}


def test_terms_of_tomorrow_do_not_count_today() -> None:
    program = default_program()
    now = timezone.now()
    TermsFactory(effective_from=now + timedelta(days=1))

    assert program.terms.in_force(now).first().version == 1
