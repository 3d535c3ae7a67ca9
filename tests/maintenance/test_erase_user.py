"""erase_user: it takes the person and keeps the ledger, whatever happens at the same moment."""

import json
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User, WebhookReceipt
from accounts.services import Erased, erase_user
from mimivibes.models import CommandRun
from referrals.models import BrowserSession, Capture, UserDevice
from rewards.models import Balance
from tests.accounts.requests import deliver
from tests.clerk import event, signed
from tests.commands import killed_when, run
from tests.parallel import race
from tests.people import Browser, Person
from tests.problems import refused
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, invited, user_of
from tests.waiting import until

pytestmark = pytest.mark.django_db
SECONDS_TO_BEGIN = 30


@pytest.fixture
def ploys_story(noks_code: str, ploy: Person, back_end: BackEnd) -> Person:
    """Ploy opened Nok's link in a browser of hers, signed in, claimed, and did something."""
    browser = Browser()
    sent = {"code": noks_code, "landing_url": "https://a.example/me"}
    assert browser.post("referrals/captures", sent).status_code == 201
    assert browser.sign_in(ploy).claim().status_code == 201
    back_end.report(ploy, data={"question": "Private"})
    return ploy


def test_a_dry_run_tells_row_by_row_what_is_then_done(ploys_story: Person) -> None:
    told = run("erase_user", ploys_story.clerk_id)
    assert user_of(ploys_story).deleted_at is None
    assert user_of(ploys_story).devices.exists()

    done = run("erase_user", ploys_story.clerk_id, "--apply")

    differs = {"applied", "seconds"}
    assert {k: v for k, v in told.items() if k not in differs} == {
        k: v for k, v in done.items() if k not in differs
    }
    assert done["outcome"] == "erased"
    found = {name: rows for name, rows in done.items() if type(rows) is int and rows}
    assert found == {
        "captures_cleared": 1,
        "browser_sessions_removed": 1,
        "devices_removed": 1,
        "events_cleared": 1,
        "addresses_of_decisions_cleared": 1,
        "forfeits_posted": 1,
        "codes_kept": 1,
        "captures_kept": 1,
        "invited_by_kept": 1,
        "claims_kept": 1,
        "events_kept": 1,
        "transactions_kept": 4,
    }
    assert user_of(ploys_story).deleted_at
    assert attribution_of(ploys_story).status == "rewarded"


def test_it_says_so_in_words(ploys_story: Person, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("erase_user", ploys_story.clerk_id)

    told = capsys.readouterr().out
    assert told.startswith("user_ploy would be erased; a tombstone would stay")
    assert "  browser sessions removed: 1\n" in told
    assert told.endswith("Nothing was changed. Add --apply to do it.\n")


def test_once_more_it_says_that_the_person_is_gone(ploys_story: Person) -> None:
    run("erase_user", ploys_story.clerk_id, "--apply")
    deleted_at = user_of(ploys_story).deleted_at
    assert deleted_at

    again = run("erase_user", ploys_story.clerk_id, "--apply")

    assert (again["outcome"], again["since"]) == ("gone", deleted_at.isoformat())
    assert user_of(ploys_story).deleted_at == deleted_at
    runs = CommandRun.objects.order_by("pk").values_list("outcome", "report__clerk_id")
    assert list(runs) == [("done", "user_ploy")] * 2


@pytest.mark.parametrize("apply", [[], ["--apply"]])
def test_a_typing_error_leaves_no_tombstone(apply: list[str]) -> None:
    with pytest.raises(CommandError, match="Nobody here has the Clerk id user_plyo") as refusal:
        call_command("erase_user", "user_plyo", *apply)

    assert refusal.value.returncode == 1
    assert not User.objects.filter(clerk_id="user_plyo").exists()


def test_somebody_never_seen_can_be_kept_out(ploy: Person) -> None:
    about = event("session.created", {"id": "sess_1", "user_id": ploy.clerk_id})
    deliver(*signed(about))
    assert run("erase_user", ploy.clerk_id, "--never-seen")["outcome"] == "kept_out"
    assert not User.objects.filter(clerk_id=ploy.clerk_id).exists()

    done = run("erase_user", ploy.clerk_id, "--never-seen", "--apply")

    assert (done["outcome"], done["webhook_payloads_cleared"]) == ("kept_out", 1)
    refused(Browser().sign_in(ploy).get("me"), 403, "account_deleted")


def test_what_clerk_still_delivers_about_them_is_not_kept(ploys_story: Person) -> None:
    """Clerk ends the sessions of somebody who is deleted, and tells of it afterwards."""
    run("erase_user", ploys_story.clerk_id, "--apply")

    ended = {"id": "sess_1", "user_id": ploys_story.clerk_id, "note": "Private"}
    deliver(*signed(event("session.removed", ended)))

    assert WebhookReceipt.objects.latest("id").payload is None


def test_what_was_delivered_about_nobody_is_cleared_if_it_names_them(ploy: Person) -> None:
    ploy.claims["email"] = "Ploy@Example.com"
    Browser().sign_in(ploy).me()
    for address in ("ploy@example.com", "mali@example.com"):
        sent = {"id": "inv_1", "email_address": address}
        deliver(*signed(event("organizationInvitation.created", sent)))

    erase_user(clerk_id=ploy.clerk_id, now=timezone.now())

    kept = WebhookReceipt.objects.order_by("id").values_list("payload__data__email_address")
    assert [address for (address,) in kept] == [None, "mali@example.com"]


def test_addresses_and_browsers_that_clerk_tells_of_are_never_kept() -> None:
    came = {"client_ip": "203.0.113.77", "user_agent": "Mozilla/5.0"}
    about = event("user.updated", {"id": "user_ploy", "latest_activity": came, "updated_at": 1e12})
    deliver(*signed({**about, "event_attributes": {"http_request": came}}))
    deliver(*signed(event("session.created", {"id": "sess_1", "actor": {**came, "sub": "x"}})))

    kept = json.dumps(list(WebhookReceipt.objects.values_list("payload", flat=True)))
    assert "203.0.113.77" not in kept
    assert "Mozilla" not in kept
    assert '"actor": {"sub": "x"}' in kept


@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_it_has_done_nothing_and_can_be_run_again(
    ploys_story: Person,
) -> None:
    with transaction.atomic():
        list(Balance.objects.select_for_update().filter(user=user_of(ploys_story)))
        killed_when(somebody_waits, "erase_user", ploys_story.clerk_id, "--apply")

    assert user_of(ploys_story).deleted_at is None
    assert Capture.objects.get(user=user_of(ploys_story)).landing_url
    assert UserDevice.objects.filter(user=user_of(ploys_story)).exists()

    assert run("erase_user", ploys_story.clerk_id, "--apply")["outcome"] == "erased"
    outcomes = CommandRun.objects.order_by("pk").values_list("outcome", flat=True)
    assert list(outcomes) == ["killed", "done"]


def somebody_waits() -> bool:
    """Say whether a connection to this database waits for another's lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks AS wanted JOIN pg_locks AS held USING (pid)"
            " JOIN pg_database ON pg_database.oid = held.database"
            " WHERE NOT wanted.granted AND datname = current_database())"
        )
        return cursor.fetchone() == (True,)


@pytest.mark.django_db(transaction=True)
def test_twice_at_once_one_erases(ploys_story: Person) -> None:
    def erase() -> Any:
        return erase_user(clerk_id=ploys_story.clerk_id, now=timezone.now())

    results = race([erase] * 4)

    assert sum(isinstance(result, Erased) for result in results) == 1
    assert not [result for result in results if isinstance(result, Exception)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(3))
def test_whatever_the_person_and_others_do_at_that_moment_leaves_nothing(
    noks_code: str, ploy: Person, back_end: BackEnd, attempt: int
) -> None:
    browsers = [Browser() for _ in range(5)]
    browsers[0].sign_in(ploy).me()
    for browser in browsers[1:3]:
        browser.open_link(noks_code)
    for browser in browsers:
        browser.sign_in(ploy)
    link = {"code": noks_code, "landing_url": "https://a.example/me", "utm": {"source": "me"}}
    about = event("session.created", {"id": "sess_1", "user_id": ploy.clerk_id})

    race(
        [
            lambda: erase_user(clerk_id=ploy.clerk_id, now=timezone.now()),
            lambda: browsers[0].claim(noks_code),
            lambda: browsers[1].me(),
            lambda: browsers[2].claim(),
            lambda: browsers[3].post("referrals/captures", link),
            lambda: browsers[4].me(),
            lambda: BackEnd(back_end.key).report(ploy, data={"question": "Private"}),
            lambda: deliver(*signed(about)),
        ]
    )

    user = user_of(ploy)
    assert user.deleted_at
    assert not UserDevice.objects.filter(user=user).exists()
    assert not BrowserSession.objects.filter(adopted_by=user).exists()
    assert not user.captures.exclude(landing_url="", utm={}, closed_at__isnull=False).exists()
    assert not user.qualifying_events.exclude(data={}).exists()
    assert not user.decisions_as_referee.exclude(address_hash="").exists()
    assert not user.balances.exclude(amount=0).exists()
    assert not WebhookReceipt.objects.filter(payload__isnull=False).exists()


@pytest.mark.django_db(transaction=True)
def test_a_grant_waits_for_an_erasure_that_has_begun(ploys_story: Person, settings: Any) -> None:
    """And gives nothing to a tombstone."""
    from accounts.services import create_api_key

    _, key = create_api_key(name="x", scopes=["rewards:grant"], now=timezone.now())
    outcome = beside_an_erasure(
        ploys_story,
        lambda: BackEnd(key).post(
            "rewards/grants",
            {"user_id": ploys_story.clerk_id, "amounts": {"coins": 5}, "reason": "x"},
            **{"Idempotency-Key": "1"},
        ),
    )

    refused(outcome, 422, "user_gone")
    assert not user_of(ploys_story).balances.exclude(amount=0).exists()


def beside_an_erasure(person: Person, act: Any) -> Any:
    """Return what `act` came to that began after an erasure had looked, and before its end."""
    begun, acted, may_end = Event(), Event(), Event()

    def erase() -> None:
        with transaction.atomic():
            erase_user(clerk_id=person.clerk_id, now=timezone.now())
            begun.set()
            may_end.wait(timeout=SECONDS_TO_BEGIN)

    def act_meanwhile() -> Any:
        begun.wait(timeout=SECONDS_TO_BEGIN)
        try:
            return act()
        finally:
            acted.set()

    def end() -> None:
        begun.wait(timeout=SECONDS_TO_BEGIN)
        until(lambda: acted.is_set() or somebody_waits())
        may_end.set()

    outcomes = race([erase, act_meanwhile, end])
    assert not [o for o in outcomes if isinstance(o, Exception)], outcomes
    return outcomes[1]


@pytest.mark.django_db(transaction=True)
def test_an_age_that_is_learned_beside_it_pays_no_tombstone(
    noks_code: str, nok: Person, back_end: BackEnd
) -> None:
    """What was held is decided by the referee's webhook, which must not wait for the referrer."""
    unknown = Person("user_ploy")
    invited(unknown, noks_code)
    back_end.report(unknown)
    assert attribution_of(unknown).status == "held"
    made = timezone.now() - timedelta(minutes=5)
    unknown.claims["account_created_at"] = int(made.timestamp())

    response = beside_an_erasure(nok, lambda: Browser().sign_in(unknown).get("me"))

    assert response.status_code == 200
    assert attribution_of(unknown).status == "qualified"
    assert not user_of(nok).balances.exclude(amount=0).exists()
