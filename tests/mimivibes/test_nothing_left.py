"""An erasure, proved by a search of the whole database for what was planted in every column.

Each text and JSON column of each row that says something of Ploy gets a word of its own. Then she
is erased, and every column of every table is searched for these words. What is found must be in
`STAYS`, with the reason; docs/personal-data.md tells it to operators.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services import create_api_key, erase_user
from mimivibes.legacy.models import LegacyAccount, LegacyTransaction
from mimivibes.personal_data.sections import SECTIONS
from referrals.models import TimelineEntry
from rewards.models import GrantRequest, IdempotencyRecord
from tests.accounts.requests import deliver
from tests.clerk import event, signed, user_object
from tests.database import without_triggers
from tests.people import Browser, Person
from tests.referrals.back_end import BackEnd
from tests.referrals.story import user_of

pytestmark = [pytest.mark.django_db, pytest.mark.breaks_the_ledger]

LEDGER = "the ledger, which nothing changes"
SHARED = "in links that others hold: were it free, somebody else could take it"
STAFF_WROTE = "written by staff, who name nobody there"
SENT = "named by a service, which puts no names there"
TIMELINE = "the history of an attribution, which nothing changes"
STAYS = {
    "referrals_referralcode.code": SHARED,
    "referrals_decision.code": SHARED,
    "referrals_decision.refusal": "the code of a refusal",
    "referrals_decision.evaluations": "what the rules found, in numbers",
    "referrals_timelineentry.actor": TIMELINE,
    "referrals_timelineentry.reason": STAFF_WROTE,
    "referrals_qualifyingevent.event_id": SENT,
    "referrals_qualifyingevent.type": SENT,
    "referrals_qualifyingevent.source": "the name of an API key",
    "referrals_qualifyingevent.content_hash": "a repeat is known by it",
    "rewards_transaction.kind": LEDGER,
    "rewards_transaction.idempotency_key": LEDGER,
    "rewards_transaction.fingerprint": LEDGER,
    "rewards_transaction.reference": LEDGER,
    "rewards_transaction.memo": SENT,
    "rewards_transaction.note": STAFF_WROTE,
    "rewards_transaction.actor": LEDGER,
    "rewards_grantrequest.reason": STAFF_WROTE,
    "rewards_grantrequest.decision_reason": STAFF_WROTE,
    "accounts_webhookreceipt.svix_id": "an id of Svix's",
    "accounts_webhookreceipt.type": "what kind of delivery it was",
    "accounts_webhookreceipt.reason": "a sentence of ours",
    "legacy_legacyaccount.opened": "amounts",
    "legacy_legacytransaction.legacy_id": "an id of the earlier app",
    "legacy_legacytransaction.legacy_user_id": "the Clerk id",
    "legacy_legacytransaction.event_type": "what kind of row it was",
    "django_admin_log.object_id": "the number of a row",
    "django_admin_log.object_repr": "a Clerk id",
    "django_admin_log.change_message": STAFF_WROTE,
}
NOT_PLANTED = {
    "accounts_user.clerk_id": "what the tombstone is known by",
    "accounts_user.username": "a person has none",
    "accounts_user.password": "a person has none",
    "accounts_webhookreceipt.clerk_id": "by this it is found",
    "rewards_idempotencyrecord.caller": "by this it is found",
}


@pytest.fixture
def everything(noks_code: str, aree: Client, back_end: BackEnd, ploy: Person) -> User:
    """Ploy, of whom there is a row wherever there can be one."""
    browser = Browser()
    browser.open_link(noks_code)
    browser.sign_in(ploy).claim("ploy@example.com")  # typed into the wrong field
    browser.put("referrals/code", {"code": "PLOYS2026"})
    browser.claim()
    Browser().sign_in(Person("user_mali")).claim("PLOYS2026")
    back_end.report(ploy, data={"question": "Private"})
    _, key = create_api_key(name="x", scopes=["rewards:grant"], now=timezone.now())
    granted = {"user_id": ploy.clerk_id, "amounts": {"coins": 99}, "reason": "Sorry, Ploy"}
    BackEnd(key).post("rewards/grants", granted, **{"Idempotency-Key": "1"})
    exchanged = {"from": "coins", "to": "stars", "units": 1}
    answer = browser.post("rewards/exchange", exchanged, **{"Idempotency-Key": "1"})
    assert answer.status_code == 201, answer.content
    deliver(*signed(event("user.updated", user_object(ploy.clerk_id, email="ploy@example.com"))))
    user, staff = user_of(ploy), User.objects.get(username="aree")
    GrantRequest.objects.create(
        user=user, coins=1, reason="x", requested_by=staff, requested_at=timezone.now(),
        nonce="5a0b8f6e-6d8c-4f8e-8a59-7d2f8d3b8f11",
    )  # fmt: skip
    now = timezone.now()
    LegacyAccount.objects.create(user=user, imported_at=now, kept={"level": 3})
    LegacyTransaction.objects.create(
        user=user, legacy_id="1", legacy_user_id="1", event_type="x", at=now,
        stars=1, free_points=0, coins=0, exp=0, details={"question": "Private"},
    )  # fmt: skip
    LogEntry.objects.log_actions(staff.pk, [user], CHANGE, "x", single_object=True)
    return user


def rows_about(user: User) -> Iterator[QuerySet[Any]]:
    """Yield every row that says something of a person."""
    yield User.objects.filter(pk=user.pk)
    for section in SECTIONS:
        if section.name != "claims_of_their_codes":  # which say something of somebody else
            yield section.rows(user)
    yield TimelineEntry.objects.filter(attribution__referee=user)
    yield IdempotencyRecord.objects.filter(caller=f"user:{user.pk}")
    yield LogEntry.objects.filter(object_id=str(user.pk))


def planted(user: User) -> dict[str, str]:
    """Put a word of its own wherever there could be one; return column by word."""
    words: dict[str, str] = {}
    with without_triggers(), connection.cursor() as cursor:
        for rows in rows_about(user):
            keys = list(rows.values_list("pk", flat=True))
            assert keys, rows.model
            table, key_column = rows.model._meta.db_table, rows.model._meta.pk.column
            for field in texts_of(rows.model):
                for key in keys:
                    word = f"M{len(words):03}Z"
                    words[word] = f"{table}.{field.column}"
                    is_json = isinstance(field, models.JSONField)
                    value = f'[{{"rule": "x", "reason": "{word}"}}]' if is_json else word
                    cursor.execute(
                        f"UPDATE {table} SET {field.column} = %s WHERE {key_column} = %s",
                        [value, key],
                    )
    return words


def texts_of(model: type[models.Model]) -> list[Any]:
    kinds = (models.CharField, models.TextField, models.JSONField, ArrayField)
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, kinds)
        and not (field.primary_key or field.choices)
        and f"{model._meta.db_table}.{field.column}" not in NOT_PLANTED
    ]


def found_anywhere(words: dict[str, str]) -> set[str]:
    """Return the columns whose words are anywhere in the database."""
    found: set[str] = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT "{table}"::text FROM "{table}"')
            text = " ".join(row for (row,) in cursor.fetchall())
            found |= {column for word, column in words.items() if word in text}
    return found


def test_nothing_that_was_planted_is_left_but_what_is_meant_to_stay(everything: User) -> None:
    words = planted(everything)
    assert found_anywhere(words) == set(words.values())

    erase_user(clerk_id=str(everything.clerk_id), now=timezone.now())

    assert found_anywhere(words) == set(STAYS)


def test_no_table_has_the_address_or_the_question_of_somebody_erased(everything: User) -> None:
    told = {"ploy@example.com": "their address", "Private": "what they asked"}
    assert found_anywhere(told) == set(told.values())

    erase_user(clerk_id=str(everything.clerk_id), now=timezone.now())

    assert found_anywhere(told) == set()
