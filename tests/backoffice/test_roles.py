"""Who may open which page of the admin, and do what there: every page, action and role.

A page or action that is new must be entered here, or the test fails and names it. The roles are
nested: a cell names the least that one must be; `-` is nobody at all.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from accounts.models import Scope, User, WebhookReceipt
from accounts.services import create_api_key
from backoffice.models import SecondFactor
from mimivibes.legacy.models import LegacyAccount
from mimivibes.models import CommandRun, ScheduledJob
from outbox.models import OutboxMessage
from rewards.models import GrantRequest
from rewards.services import record_proof
from tests.backoffice import admin_pages
from tests.factories import LegacyTransactionFactory, MatterFactory, UnusedTableBackupFactory
from tests.people import Browser, Person
from tests.referrals.back_end import BackEnd
from tests.referrals.story import user_of

roles = import_module("mimivibes.migrations.0002_roles")
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _refusals_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A traceback for each would take longer than the test."""
    caplog.set_level(logging.CRITICAL, logger="django.request")


ROLES = ("nobody", "clerk", "staff", "viewer", "reviewer", "operator", "superuser")

MODELS = """
                           look       add        change     delete
auth.group                 superuser  superuser  superuser  superuser
backoffice.secondfactor    superuser  -          -          -
accounts.user              viewer     superuser  superuser  -
accounts.apikey            viewer     -          operator   -
accounts.webhookreceipt    viewer     -          -          -
rewards.transaction        viewer     -          -          -
rewards.entry              viewer     -          -          -
rewards.balance            viewer     -          -          -
rewards.grantrequest       viewer     -          -          -
rewards.ledgerproof        viewer     -          -          -
rewards.rewardrule         viewer     operator   operator   -
rewards.exchangerate       viewer     operator   operator   -
referrals.decision         viewer     -          -          -
mimivibes.commandrun       viewer     -          -          -
mimivibes.unusedtablebackup viewer    -          -          -
legacy.legacyaccount       viewer     -          -          -
legacy.legacytransaction   viewer     -          -          -
legacy.matter              viewer     -          reviewer   -
mimivibes.scheduledjob     viewer     -          -          -
outbox.outboxmessage       viewer     -          -          -
referrals.qualifyingevent  viewer     -          -          -
referrals.attribution      viewer     -          -          -
referrals.capture          viewer     -          -          -
referrals.browsersession   viewer     -          -          -
referrals.userdevice       viewer     -          -          -
referrals.referralcode     viewer     -          -          -
referrals.program          viewer     operator   operator   -
referrals.programterms     viewer     operator   -          -
"""

# After a colon stands what is answered to those who may, if it is neither 200 nor 302; after an
# exclamation mark, what is answered to other staff, if it is not 403.
OTHER_PAGES = """
                               GET         POST
index                          staff       staff
app_list                       viewer!404  viewer!404
login                          nobody      nobody
logout                         staff:405   staff
password_change                staff       staff
password_change_done           staff       staff:405
jsi18n                         staff       staff:405
set_language                   nobody      nobody
autocomplete                   -           staff:405
view_on_site                   staff:404   staff:404
(?P<url>.*)$                   staff:404   staff:404
second_factor                  staff       staff:405
second_factor_begin            staff:405   staff
second_factor_confirm          staff:405   staff
second_factor_codes            staff:405   staff
second_factor_off              staff:405   staff
auth_user_password_change      superuser   superuser
referrals_attribution_held       viewer    viewer
referrals_attribution_decide     viewer    viewer:404
referrals_attribution_approve    reviewer  reviewer
referrals_attribution_reject     reviewer  reviewer
referrals_attribution_reopen     reviewer  reviewer
referrals_attribution_reverse    operator  operator
referrals_attribution_restore    operator  operator
referrals_attribution_move       operator  operator
referrals_attribution_undo-move  operator  operator
accounts_user_attribute          operator  operator
accounts_user_personal_data      reviewer:405  reviewer:404
accounts_user_grant              operator  operator
accounts_user_take-back          operator  operator
referrals_programterms_what_if        operator  operator
referrals_programterms_what_if_draft  operator  operator
rewards_transaction_reverse      operator  operator
rewards_grantrequest_approve     operator  operator
rewards_grantrequest_refuse      operator  operator
"""

ACTIONS = """
                                  by
auth.group delete_selected        superuser
backoffice.secondfactor reset     superuser
accounts.apikey revoke            operator
accounts.webhookreceipt replay    operator
referrals.attribution approve     reviewer
referrals.attribution reject      reviewer
referrals.attribution reverse     operator
referrals.attribution claw_back   operator
referrals.referralcode switch_off operator
referrals.referralcode switch_on  operator
mimivibes.scheduledjob run_now    operator
outbox.outboxmessage send_again   operator
"""

REASON = {"reason": "Looked into it.", "preview": "1"}


def table(text: str, columns: int) -> dict[str, list[str]]:
    lines = [line.split() for line in text.strip().splitlines()[1:]]
    return {" ".join(line[:-columns]): line[-columns:] for line in lines}


def expected_pages() -> dict[str, tuple[str, str]]:
    """Return by page who may GET and who may POST it."""
    pages = {name: (get, post) for name, (get, post) in table(OTHER_PAGES, 2).items()}
    for label, (look, add, change, delete) in table(MODELS, 4).items():
        stem = label.replace(".", "_")
        pages[f"{stem}_changelist"] = pages[f"{stem}_history"] = (look, look)
        if label != "auth.group":  # Django's own, which has no export
            pages[f"{stem}_export"] = (f"{look}:405", look)
        pages[f"{stem}_change"] = (look, change)
        pages[f"{stem}_add"] = (add, add)
        pages[f"{stem}_delete"] = (delete, delete)
        pages[f"{label.replace('.', '/')}/<path:object_id>/"] = ("staff", "staff")
    return pages


def may(role: str, least: str) -> bool:
    return least != "-" and ROLES.index(role) >= ROLES.index(least)


@pytest.fixture
def rows(noks_code: str, ploy: Person) -> dict[type[Model], Model]:
    """A row of every model in the admin, that of people being a member of staff."""
    browser = Browser()
    browser.open_link(noks_code)
    browser.sign_in(ploy).claim()
    _, key = create_api_key(name="readings", scopes=[Scope.EVENTS], now=timezone.now())
    BackEnd(key).report(ploy)
    chai = User.objects.create_user("chai", "secret")
    SecondFactor.objects.create(user=chai, name="App")
    now = timezone.now()
    WebhookReceipt.objects.create(svix_id="msg_1", received_at=now, next_attempt_at=now)
    CommandRun.objects.create(command="cleanup_all", runner="x", started_at=now)
    UnusedTableBackupFactory()
    ScheduledJob.objects.create(name="verify_ledger", due_at=now)
    OutboxMessage.objects.create(type="balance.changed", data={}, created_at=now, due_at=now)
    record_proof(started_at=now, seconds=0.1, faults=[])
    GrantRequest.objects.create(
        user=user_of(ploy), coins=1, reason="x", requested_by=chai, requested_at=now, nonce=uuid4()
    )
    MatterFactory(user=user_of(ploy))
    LegacyTransactionFactory(user=user_of(ploy))
    LegacyAccount.objects.create(user=user_of(ploy), imported_at=now)
    rows: dict[type[Model], Any] = {
        model: model._default_manager.first() for model in admin.site._registry
    }
    assert None not in rows.values(), rows
    return {**rows, User: chai}


@pytest.fixture
def client_of(ploy: Person, rows: Any, settings: Any) -> Callable[[str], Client]:
    """Return who comes as `role`, with all that they can sign in by."""
    settings.CLERK_COOKIE_AUTH = True

    def client_of(role: str) -> Client:
        if role == "nobody":
            return Client()
        if role == "clerk":
            client = Client(headers={"Authorization": f"Bearer {ploy.token()}"})
            client.cookies["__session"] = ploy.token()
            return client
        client = Client()
        client.force_login(hired(role))
        return client

    return client_of


def hired(role: str) -> User:
    user = User.objects.create_user(f"aree_{role}", "secret", is_superuser=role == "superuser")
    user.groups.set(Group.objects.filter(name=role))
    return user


@contextmanager
def undone() -> Iterator[None]:
    """Let nothing of what a request did reach the next, signing out included."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def outcome(role: str, response: Any) -> str:
    sent_to = response.headers.get("Location", "")
    # Who signs out without being signed in is sent to the index, and from there to the door.
    if sent_to.startswith("/admin/login/") or (sent_to == "/admin/" and not may(role, "staff")):
        return "must sign in"
    return "opens" if response.status_code in {200, 302} else str(response.status_code)


def expected_outcome(role: str, cell: str) -> str:
    cell, _, if_refused = cell.partition("!")
    least, _, if_allowed = cell.partition(":")
    if may(role, least):
        return if_allowed or "opens"
    return (if_refused or "403") if may(role, "staff") else "must sign in"


def test_every_page_of_the_admin_has_an_expectation(rows: Any) -> None:
    assert set(admin_pages.pages(rows)) == set(expected_pages())


@pytest.mark.parametrize("role", ROLES)
def test_every_page_opens_to_whom_it_should_and_to_nobody_else(
    role: str, rows: Any, client_of: Callable[[str], Client]
) -> None:
    client = client_of(role)
    cookies = client.cookies.copy()
    expected, found = {}, {}

    for name, address in admin_pages.pages(rows).items():
        may_get, may_post = expected_pages()[name]
        client.cookies = cookies.copy()
        found["GET", name] = outcome(role, client.get(address))
        expected["GET", name] = expected_outcome(role, may_get)
        with undone():
            found["POST", name] = outcome(role, client.post(address, REASON))
        expected["POST", name] = expected_outcome(role, may_post)

    wrong = {page: (found[page], expected[page]) for page in found if found[page] != expected[page]}
    assert wrong == {}


def test_every_action_has_an_expectation() -> None:
    offered = {f"{label} {name}" for label, name, _model in admin_pages.actions()}
    unnamed = offered - set(table(ACTIONS, 1))

    assert set(table(ACTIONS, 1)) <= offered
    # Django's own, which lists of what nobody may delete do not offer after all.
    assert {action for action in unnamed if not action.endswith(" delete_selected")} == set()


@pytest.mark.parametrize("role", ROLES[2:])
def test_every_action_is_taken_by_whom_it_should_and_by_nobody_else(
    role: str, rows: Any, client_of: Callable[[str], Client]
) -> None:
    client = client_of(role)
    least = table(ACTIONS, 1)
    expected, found = {}, {}

    for label, name, model in admin_pages.actions():
        address = f"/admin/{label.replace('.', '/')}/"
        chosen = {"action": name, "_selected_action": [rows[model].pk], "index": 0}
        with undone():
            response = client.post(address, {**REASON, **chosen})
            found[label, name] = is_done(response)
        expected[label, name] = may(role, least.get(f"{label} {name}", ["-"])[0])

    assert found == expected


def is_done(response: Any) -> bool:
    """Return whether an action was taken: who may not is shown the list again, or told so."""
    if response.status_code == 403:
        return False
    told = [str(message) for message in response.wsgi_request._messages._queued_messages]
    return "No action selected." not in told and "cl" not in (response.context or {})


def test_roles_hold_each_what_the_lesser_holds() -> None:
    held = [
        set(Group.objects.get(name=role).permissions.values_list("pk", flat=True))
        for role in ROLES[3:6]
    ]

    assert held[0] < held[1] < held[2]


def test_no_role_manages_staff_or_roles() -> None:
    permissions = Permission.objects.filter(group__isnull=False).select_related("content_type")

    assert not [
        permission
        for permission in permissions
        if permission.content_type.app_label
        not in {"accounts", "legacy", "mimivibes", "outbox", "referrals", "rewards"}
        or permission.codename in {"add_user", "change_user", "delete_user"}
    ]


def test_the_migration_leaves_a_group_of_the_same_name_alone(rows: Any) -> None:
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.clear()
    Group.objects.get(name="operator").delete()

    roles.make_roles(apps, None)

    assert not viewer.permissions.exists()
    assert Group.objects.get(name="operator").permissions.filter(codename="change_program").exists()


def test_reversing_the_migration_takes_no_rights_from_anybody() -> None:
    hired("viewer")

    roles.remove_roles(apps, None)

    assert set(Group.objects.values_list("name", flat=True)) == {"viewer"}


def test_the_migration_refuses_a_permission_that_nothing_brings() -> None:
    with pytest.raises(LookupError, match="print_money"):
        roles.permission_of(apps)("rewards.print_money")
