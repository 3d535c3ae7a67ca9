"""First requests, created, updated and deleted: any order, any number of times, one final state.

Legacy faults 20, 21 and 22.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.clerk.profiles import profile_of
from accounts.models import User, WebhookReceipt
from accounts.services import apply_clerk_profile, erase_user, identify, provision_user
from accounts.signals import account_age_learned, user_erased, user_provisioned
from tests.accounts.heard import heard
from tests.accounts.requests import assert_problem, call, deliver
from tests.clerk import event, session_token, signed, user_object

pytestmark = pytest.mark.django_db

BORN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = BORN + timedelta(days=30)
STATE = (
    "email",
    "email_verified",
    "first_name",
    "last_name",
    "image_url",
    "account_created_at",
    "clerk_updated_at",
    "banned_at",
    "deleted_at",
)


def profile(age: int, **fields: Any) -> dict[str, Any]:
    return user_object(
        "user_ploy", created_at=BORN, updated_at=BORN + timedelta(hours=age), **fields
    )


VERSIONS = [
    profile(0, email="first@example.com", first_name="Ploy"),
    profile(1, email="second@example.com", email_verified=False, last_name="Lee"),
    profile(2, banned=True, first_name="Ploy"),
    profile(3, email="third@example.com", first_name="Pim", image_url=None),
]


def jit() -> None:
    from accounts.clerk.tokens import SessionClaims, TokenProfile

    claims = TokenProfile(email="claim@example.com", first_name="Claim", account_created_at=BORN)
    try:
        identify(claims=SessionClaims("user_ploy", "sess_1", None, None, claims), now=NOW)
    except Exception as gone:
        assert type(gone).__name__ in {"AccountBanned", "AccountDeleted"}  # noqa: PT017


def delete() -> None:
    erase_user(clerk_id="user_ploy", now=NOW)


def applying(version: dict[str, Any]) -> Callable[[], None]:
    def apply() -> None:
        apply_clerk_profile(profile=profile_of(version), now=NOW)

    return apply


STEPS: dict[str, Callable[[], None]] = {
    "jit": jit,
    "provision": lambda: provision_user(clerk_id="user_ploy", now=NOW) and None,
    **{f"version {number}": applying(version) for number, version in enumerate(VERSIONS)},
    "deleted": delete,
}


def final_state(order: list[str]) -> dict[str, Any]:
    for step in order:
        STEPS[step]()
    return User.objects.values(*STATE).get(clerk_id="user_ploy")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_order_ends_alike(data: st.DataObject) -> None:
    steps = data.draw(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=6, unique=True))
    repeated = [*steps, *data.draw(st.lists(st.sampled_from(steps), max_size=3))]
    order = data.draw(st.permutations(repeated))

    with transaction.atomic():
        expected = final_state(sorted(steps))
        transaction.set_rollback(True)
    with transaction.atomic():
        assert final_state(order) == expected
        transaction.set_rollback(True)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.permutations([*STEPS, *STEPS]))
def test_facts_are_told_once_in_every_order(order: list[str]) -> None:
    with (
        transaction.atomic(),
        heard(user_provisioned) as provisioned,
        heard(account_age_learned) as aged,
        heard(user_erased) as erased,
    ):
        final_state(order)
        transaction.set_rollback(True)

    assert len(provisioned) == (order[0] != "deleted")
    assert len(aged) <= 1
    assert len(erased) == len(provisioned)


def test_legacy_20_an_email_is_no_key_so_that_taking_one_locks_nobody_out() -> None:
    for clerk_id in ("user_somchai", "user_ploy"):
        response = deliver(
            *signed(event("user.created", user_object(clerk_id, email="ploy@example.com")))
        )
        assert response.json() == {"status": "processed"}

    assert User.objects.filter(email="ploy@example.com").count() == 2


def test_legacy_20_the_primary_address_is_taken_not_the_first_verified_one() -> None:
    addresses = [
        {"id": "i1", "email_address": "old@x.com", "verification": {"status": "verified"}},
        {"id": "i2", "email_address": "main@x.com", "verification": None},
    ]
    user = user_object("user_ploy", email_addresses=addresses, primary_email_address_id="i2")

    deliver(*signed(event("user.created", user)))

    assert (User.objects.get().email, User.objects.get().email_verified) == ("main@x.com", False)


def test_legacy_21_an_update_before_the_creation_makes_the_whole_user() -> None:
    with heard(user_provisioned) as announced:
        deliver(*signed(event("user.updated", VERSIONS[3])))
        deliver(*signed(event("user.created", VERSIONS[0])))

    assert User.objects.get().first_name == "Pim"
    assert len(announced) == 1


def test_legacy_21_an_update_after_the_deletion_brings_nothing_back() -> None:
    deliver(*signed(event("user.created", VERSIONS[0])))
    deliver(*signed(event("user.deleted", {"id": "user_ploy", "deleted": True})))

    response = deliver(*signed(event("user.updated", VERSIONS[3])))

    assert response.json() == {"status": "ignored"}
    user = User.objects.get()
    assert (user.email, user.first_name, user.account_created_at) == ("", "", None)
    assert not WebhookReceipt.objects.filter(payload__isnull=False).exists()
    assert_problem(call("me", token=session_token("user_ploy")), 403, "account_deleted")


def test_legacy_21_an_old_update_overwrites_nothing() -> None:
    deliver(*signed(event("user.updated", VERSIONS[3])))

    response = deliver(*signed(event("user.updated", VERSIONS[1])))

    assert response.json() == {"status": "ignored"}
    assert User.objects.get().email == "third@example.com"


def test_legacy_22_deletion_clears_the_person_and_what_webhooks_said_of_them() -> None:
    deliver(*signed(event("user.created", VERSIONS[0])))
    deliver(*signed(event("session.created", {"id": "sess_1", "user_id": "user_ploy"})))
    deliver(*signed(event("user.created", user_object("user_mali", first_name="Mali"))))

    deliver(*signed(event("user.deleted", {"id": "user_ploy", "deleted": True})))

    assert not WebhookReceipt.objects.filter(clerk_id="user_ploy", payload__isnull=False).exists()
    assert WebhookReceipt.objects.get(clerk_id="user_mali").payload


def test_a_deletion_before_the_creation_leaves_a_tombstone() -> None:
    deliver(*signed(event("user.deleted", {"id": "user_ploy", "deleted": True})))

    assert deliver(*signed(event("user.created", VERSIONS[0]))).json() == {"status": "ignored"}
    assert_problem(call("me", token=session_token("user_ploy")), 403, "account_deleted")


def test_a_ban_is_taken_and_lifted() -> None:
    deliver(*signed(event("user.updated", VERSIONS[2])))
    assert_problem(call("me", token=session_token("user_ploy")), 403, "account_banned")

    deliver(*signed(event("user.updated", VERSIONS[3])))
    assert call("me", token=session_token("user_ploy")).status_code == 200


def test_the_creation_time_is_taken_even_from_an_older_profile() -> None:
    apply_clerk_profile(profile=profile_of({**VERSIONS[1], "created_at": None}), now=NOW)
    with heard(account_age_learned) as aged:
        apply_clerk_profile(profile=profile_of(VERSIONS[0]), now=NOW)

    assert User.objects.get().account_created_at == BORN
    assert User.objects.get().email == "second@example.com"
    assert len(aged) == 1


def test_the_database_keeps_personal_data_off_a_tombstone() -> None:
    erase_user(clerk_id="user_ploy", now=NOW)

    for field, value in {"email": "a@b.c", "first_name": "Ploy", "account_created_at": NOW}.items():
        with (
            pytest.raises(IntegrityError, match="user_tombstone_holds_no_personal_data"),
            transaction.atomic(),
        ):
            User.objects.update(**{field: value})


def test_the_database_keeps_a_clerk_id_unique() -> None:
    provision_user(clerk_id="user_ploy", now=NOW)

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor():
        User.objects.create(clerk_id="user_ploy")


def test_the_database_wants_a_receipt_finished_or_due() -> None:
    for fields in (
        {"status": "received"},
        {"status": "processed", "next_attempt_at": NOW, "processed_at": NOW},
        {"status": "processed"},
    ):
        with (
            pytest.raises(IntegrityError, match="webhook_receipt_is_finished_or_due"),
            transaction.atomic(),
        ):
            WebhookReceipt.objects.create(svix_id="x", received_at=NOW, **fields)
