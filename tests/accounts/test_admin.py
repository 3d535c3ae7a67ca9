"""The back office of people, API keys and the webhook inbox."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, User, WebhookReceipt
from accounts.services import create_api_key, erase_user, provision_user
from tests.clerk import event, user_object
from tests.statements import statements

pytestmark = pytest.mark.django_db

USERS = "/admin/accounts/user/"
KEYS = "/admin/accounts/apikey/"
INBOX = "/admin/accounts/webhookreceipt/"


def member(name: str, **fields: Any) -> User:
    user = provision_user(clerk_id=f"user_{name.lower()}", now=timezone.now())
    for field, value in {"first_name": name, **fields}.items():
        setattr(user, field, value)
    user.save()
    return user


def receipt(number: int = 1, **fields: Any) -> WebhookReceipt:
    now = timezone.now()
    values = {
        "svix_id": f"msg_{number}",
        "type": "user.created",
        "clerk_id": "user_ploy",
        "payload": event("user.created", user_object("user_ploy", first_name="Ploy")),
        "status": "failed",
        "reason": "builtins.RuntimeError at people.py:1",
        "received_at": now,
        "next_attempt_at": now,
    }
    return WebhookReceipt.objects.create(**{**values, **fields})


@pytest.mark.parametrize(
    "query", ["user_ploy", "ploy@example.com", "PLOY@", "Ploy", "ploy lee", "Lee"]
)
def test_people_are_found_by_clerk_id_email_and_names(aree: Client, query: str) -> None:
    member("Ploy", last_name="Lee", email="ploy@example.com")
    member("Mali")

    page = aree.get(USERS, {"q": query}).content.decode()

    assert "user_ploy" in page
    assert "user_mali" not in page


@pytest.mark.parametrize("kind", ["people", "staff", "gone"])
def test_people_are_filtered_by_kind(aree: Client, kind: str) -> None:
    member("Ploy")
    member("Mali")
    erase_user(clerk_id="user_mali", now=timezone.now())

    listed = aree.get(USERS, {"kind": kind}).context["cl"].result_list

    expected = {"people": {"user_ploy", "user_mali"}, "staff": {"aree"}, "gone": {"user_mali"}}
    assert {str(user) for user in listed} == expected[kind]


def test_a_persons_data_is_shown_and_is_not_ours_to_change(aree: Client) -> None:
    user = member("Ploy", email="ploy@example.com")

    page = aree.get(f"{USERS}{user.pk}/change/")
    posted = aree.post(f"{USERS}{user.pk}/change/", {"first_name": "Somchai", "is_staff": "on"})

    assert "ploy@example.com" in page.content.decode()
    assert 'name="first_name"' not in page.content.decode()
    assert posted.status_code == 403
    user.refresh_from_db()
    assert (user.first_name, user.is_staff) == ("Ploy", False)


def test_nobody_is_deleted_here(aree: Client) -> None:
    user = member("Ploy")

    assert aree.post(f"{USERS}{user.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in aree.get(USERS).content.decode()


def test_staff_accounts_are_made_here(aree: Client) -> None:
    fields = {"usable_password": "true", "password1": "correct-horse", "password2": "correct-horse"}
    aree.post(f"{USERS}add/", {"username": "chai", **fields})

    chai = User.objects.get(username="chai")
    assert chai.is_staff
    assert aree.get(f"{USERS}{chai.pk}/change/").status_code == 200
    assert Client().login(username="chai", password="correct-horse")


def test_legacy_23_being_staff_is_one_thing_alone() -> None:
    """A person of Clerk's has no way into the admin, whatever their token says."""
    user = member("Somchai")
    client = Client()
    client.force_login(user)

    assert client.get(USERS).status_code == 302


def test_who_manages_staff_cannot_hand_out_rights() -> None:
    boss = User.objects.create_superuser("boss", "secret")
    manager = User.objects.create_user("mana", "secret")
    manager.user_permissions.set(Permission.objects.filter(codename__endswith="_user"))
    client = Client()
    client.force_login(manager)

    client.post(
        f"{USERS}{manager.pk}/change/",
        {"username": "mana", "is_active": "on", "is_staff": "on", "is_superuser": "on"},
    )

    manager.refresh_from_db()
    assert (manager.is_staff, manager.is_superuser) == (True, False)
    assert client.post(f"{USERS}{boss.pk}/change/", {"username": "x"}).status_code == 403
    passwords = {"password1": "taken-over-1", "password2": "taken-over-1"}
    assert client.post(f"{USERS}{boss.pk}/password/", passwords).status_code == 403


def test_keys_are_seen_without_their_hash_and_revoked(aree: Client) -> None:
    row, key = create_api_key(name="readings", scopes=["events"], now=timezone.now())

    for address in (KEYS, f"{KEYS}{row.pk}/change/"):
        page = aree.get(address).content.decode()
        assert row.prefix in page
        assert row.key_hash not in page
        assert key not in page
    aree.post(KEYS, {"action": "revoke", "_selected_action": [row.pk]})

    assert ApiKey.objects.get().revoked_at
    assert aree.get(f"{KEYS}add/").status_code == 403
    assert aree.post(f"{KEYS}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_inbox_is_read_only(aree: Client) -> None:
    row = receipt()

    assert "RuntimeError" in aree.get(INBOX).content.decode()
    assert aree.get(f"{INBOX}{row.pk}/change/").status_code == 200
    assert aree.post(f"{INBOX}{row.pk}/change/", {"status": "processed"}).status_code == 403
    assert aree.post(f"{INBOX}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert aree.get(f"{INBOX}add/").status_code == 403


def test_a_delivery_is_replayed(aree: Client) -> None:
    row = receipt()

    page = aree.post(INBOX, {"action": "replay", "_selected_action": [row.pk]}, follow=True)

    assert [str(m) for m in page.context["messages"]] == ["msg_1: processed"]
    assert User.objects.get(clerk_id="user_ploy").first_name == "Ploy"


def test_a_replay_that_is_not_possible_says_why(aree: Client) -> None:
    row = receipt(payload=None)

    page = aree.post(INBOX, {"action": "replay", "_selected_action": [row.pk]}, follow=True)

    assert "cannot be replayed" in page.content.decode()


def test_who_may_only_look_may_not_replay() -> None:
    viewer = User.objects.create_user("viewer", "secret")
    viewer.user_permissions.add(Permission.objects.get(codename="view_webhookreceipt"))
    client = Client()
    client.force_login(viewer)
    row = receipt()

    assert client.get(INBOX).status_code == 200
    client.post(INBOX, {"action": "replay", "_selected_action": [row.pk]})

    row.refresh_from_db()
    assert row.status == "failed"


@pytest.mark.parametrize(
    "address", [USERS, KEYS, INBOX, f"{USERS}?q=user_", f"{INBOX}?q=user_ploy"]
)
def test_lists_cost_the_same_however_long(aree: Client, address: str) -> None:
    def fill(numbers: range) -> None:
        for number in numbers:
            member(f"N{number}")
            receipt(number)
            create_api_key(name=f"key {number}", scopes=["events"], now=timezone.now())

    fill(range(2))
    aree.get(address)
    with statements() as few:
        aree.get(address)
    fill(range(2, 14))
    with statements() as many:
        aree.get(address)

    assert len(many) == len(few)
