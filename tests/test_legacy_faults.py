"""The faults of the system that this one replaces, by their numbers, each shown to be impossible.

Most have closer tests beside the code; these tell the story of the fault itself.
"""

import io
import json
import logging
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User, WebhookReceipt
from accounts.services import create_api_key, erase_user
from referrals.models import Attribution, Capture, QualifyingEvent, ReferralCode
from referrals.services.proof import verify_attributions
from rewards.amounts import Amounts
from rewards.models import ExchangeRate, RewardRule, Transaction
from rewards.services import pay_rules, verify_ledger
from tests.clerk import event, signed, user_object
from tests.factories import ReferralCodeFactory, TermsFactory
from tests.parallel import at_once
from tests.people import Browser, Person, newcomer
from tests.problems import field_errors, refused
from tests.referrals.back_end import BackEnd, an_event
from tests.referrals.story import attribution_of, balances, code_of, invited, user_of

pytestmark = pytest.mark.django_db
really_parallel = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parent.parent
WELCOME = Amounts(free_points=3)
FIRST_READING = Amounts(free_points=2)


@pytest.fixture
def back_end(db: Any) -> BackEnd:
    scopes = ["events", "rewards:spend", "rewards:grant"]
    return BackEnd(create_api_key(name="web app", scopes=scopes, now=timezone.now())[1])


@pytest.fixture(autouse=True)
def _sound_ledger(request: pytest.FixtureRequest) -> Iterator[None]:
    request.getfixturevalue("_django_db_helper")
    yield
    assert [*verify_ledger(), *verify_attributions()] == []


def deliver(kind: str, clerk_id: str, **fields: Any) -> Any:
    body, headers = signed(event(kind, user_object(clerk_id, **fields)))
    return Client(raise_request_exception=False).post(
        "/api/v1/webhooks/clerk", body, content_type="application/json", headers=headers
    )


def test_fault_01_nobody_attributes_somebody_else_or_learns_their_referrer(
    noks_code: str, ploy: Person, somchai: Person
) -> None:
    victim = invited(ploy, noks_code)
    abuser = Browser().sign_in(somchai)

    for field in ("user_id", "new_user_id", "referee"):
        body = {"code": code_of(somchai), field: ploy.clerk_id}
        assert field_errors(abuser.post("referrals/claim", body)) == {field: "unknown_field"}
    refusal = victim.claim(code_of(somchai, address="198.51.100.9"))

    refused(refusal, 409, "already_attributed")
    assert b"nok" not in refusal.content.lower()
    assert list(Attribution.objects.values_list("referee__clerk_id", flat=True)) == ["user_ploy"]


@really_parallel
def test_fault_02_two_requests_at_once_attribute_and_pay_once(ploy: Person) -> None:
    codes = [ReferralCodeFactory().code for _ in range(4)]

    answers = at_once(*(partial(Browser().sign_in(ploy).claim, code) for code in codes))

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 3}
    assert balances(ploy) == WELCOME + Amounts(stars=1)


def test_fault_03_old_accounts_and_mutual_referrals_collect_nothing(
    noks_code: str, nok: Person
) -> None:
    old = newcomer("Somchai", age_seconds=90 * 24 * 3600)
    refused(Browser().sign_in(old).claim(noks_code), 422, "not_new_account")

    ploy = newcomer("Ploy", account_created_at=nok.claims["account_created_at"])
    invited(ploy, noks_code)
    refused(Browser().sign_in(nok).claim(code_of(ploy)), 422, "reciprocal_referral")

    assert balances(old) == balances(nok) == WELCOME


@really_parallel
def test_fault_04_codes_are_random_and_everybody_has_exactly_one(ploy: Person, nok: Person) -> None:
    at_once(*[Browser().sign_in(ploy).me for _ in range(4)])
    code = user_of(ploy).referral_codes.get().code

    assert ploy.clerk_id[-4:].upper() not in code
    assert not code.startswith("REF")
    with patch("referrals.services.codes.secrets.choice") as choice:
        choice.side_effect = [*code, *reversed("BCDFGHJKM")]  # the first is a collision
        Browser().sign_in(nok).me()
    assert user_of(nok).referral_codes.get().code == "MKJHGFDCB"


def test_fault_05_validation_is_throttled_discreet_and_true(
    noks_code: str, ploy: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    TermsFactory(referee_stars=4)
    answer = Browser().post("referrals/validate", {"code": noks_code})
    promised = answer.json()["rewards"]["referee"]
    assert b"user_nok" not in answer.content

    assert invited(ploy, noks_code).me()["attribution"]["referee_reward"] == promised
    assert balances(ploy).stars == 4 == promised["stars"]

    guesser = Browser(address="203.0.113.66")
    codes = [guesser.post("referrals/validate", {"code": "GUESS"}).status_code for _ in range(61)]
    assert Counter(codes) == {404: 60, 429: 1}


def test_fault_06_statistics_count_what_happened_newest_first(
    noks_code: str, nok: Person, back_end: BackEnd
) -> None:
    for name in ("Ploy", "Mali", "Fah"):
        guest = newcomer(name)
        invited(guest, noks_code)
        back_end.report(guest)

    report = Browser().sign_in(nok).get("referrals/status").json()

    assert (report["stats"]["invited"], report["stats"]["rewarded"]) == (3, 3)
    assert report["earned"]["coins"] == 150
    assert [row["display_name"] for row in report["recent"]] == ["Fah", "Mali", "Ploy"]


def test_fault_07_a_code_opened_by_one_visitor_is_not_claimed_by_the_next(
    noks_code: str, ploy: Person, mali: Person, browser: Browser
) -> None:
    browser.open_link(noks_code)
    browser.sign_in(ploy).me()
    browser.sign_out()

    assert browser.sign_in(mali).claim().json() == {"attribution": None}
    assert browser.sign_in(ploy).claim().status_code == 201


def test_fault_08_a_claim_clears_only_ones_own_and_a_reload_does_not_refill_it_for_the_next(
    noks_code: str, ploy: Person, mali: Person, browser: Browser
) -> None:
    browser.open_link(noks_code)
    browser.sign_in(ploy).claim()
    browser.open_link(noks_code)  # the address bar still shows the link, and the page reloads
    browser.sign_out()

    assert browser.get("referrals/captures/current").json() == {"capture": None}
    assert browser.sign_in(mali).claim().json() == {"attribution": None}


def test_fault_09_opening_ones_own_link_leaves_nothing_to_inherit(
    noks_code: str, nok: Person, ploy: Person, browser: Browser
) -> None:
    browser.open_link(noks_code)
    browser.sign_in(nok).me()
    refused(browser.open_link(noks_code), 422, "own_code")

    assert browser.sign_in(ploy).claim().json() == {"attribution": None}


def test_fault_10_what_is_shown_is_what_is_claimed_and_nothing_is_done_for_the_next(
    noks_code: str, ploy: Person, mali: Person, browser: Browser
) -> None:
    other = ReferralCodeFactory().code
    for code in (noks_code, other):
        browser.open_link(code)
    shown = browser.sign_in(ploy).get("referrals/captures/current").json()["capture"]["code"]
    assert browser.claim().json()["attribution"]["code"] == shown == other

    browser.sign_out()
    browser.open_link(noks_code)
    assert browser.sign_in(mali).claim().status_code == 201


def test_fault_11_a_claim_that_was_cut_off_is_made_later(
    noks_code: str, ploy: Person, browser: Browser
) -> None:
    browser.open_link(noks_code)
    with patch("referrals.views.people.claim_referral", side_effect=ConnectionError):
        assert browser.sign_in(ploy).claim().status_code == 500

    assert Browser().sign_in(ploy).claim().status_code == 201


def test_fault_12_only_the_first_reading_pays_and_it_always_does(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    sent = an_event(ploy)
    with patch("referrals.services.events.qualify", side_effect=ConnectionError):
        assert back_end.post("events", sent).status_code == 500
    assert not QualifyingEvent.objects.exists()

    assert back_end.post("events", sent).status_code == 201
    for _ in range(3):
        back_end.report(ploy)

    assert balances(nok) == WELCOME + Amounts(coins=50)


def test_fault_13_a_payment_is_named_for_what_it_pays_and_cannot_be_lost(
    noks_code: str, nok: Person, back_end: BackEnd
) -> None:
    moment = timezone.now()
    guests = [newcomer(f"Guest{n}") for n in range(3)]
    for guest in guests:
        invited(guest, noks_code)
    with patch("django.utils.timezone.now", return_value=moment):  # all in one millisecond
        back_end.report_all([an_event(guest) for guest in guests])

    assert balances(nok) == WELCOME + Amounts(coins=150)
    paid = Transaction.objects.filter(kind="referral_referrer")
    assert {transaction.idempotency_key for transaction in paid} == {
        attribution_of(guest).referrer_key for guest in guests
    }


def test_fault_14_replaying_or_not_signing_the_processing_call_pays_nothing(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    sent = an_event(ploy)
    refused(Browser().post("events", sent), 401, "api_key_missing")

    codes = [back_end.post("events", sent).status_code for _ in range(3)]

    assert codes == [201, 200, 200]
    assert balances(nok) == WELCOME + Amounts(coins=50)


def test_fault_15_rewards_are_typed_and_what_is_off_pays_nothing(ploy: Person) -> None:
    names = {field.name for field in RewardRule._meta.fields}
    assert not any(f.get_internal_type() == "JSONField" for f in RewardRule._meta.fields)
    assert {"stars", "free_points", "coins", "exp"} <= names
    for column, value in (("coins", -5), ("stars", -1)):
        with pytest.raises(IntegrityError), transaction.atomic():
            RewardRule.objects.filter(name="First reading").update(**{column: value})

    RewardRule.objects.update(is_active=False)

    Browser().sign_in(ploy).me()
    assert not balances(ploy)
    user_id = user_of(ploy).pk
    assert (
        pay_rules(user_id=user_id, trigger="reading.completed", count=1, now=timezone.now()) == []
    )


def test_fault_16_no_person_mints_balances(ploy: Person) -> None:
    browser = Browser().sign_in(ploy)
    minting = {"user_id": ploy.clerk_id, "amounts": {"coins": 1000}, "reason": "mine"}

    for method, path in (
        ("POST", "rewards/grants"),
        ("POST", "rewards/spend"),
        ("POST", "events"),
        ("POST", "rewards/transactions"),
    ):
        response = browser.request(method, path, minting, **{"Idempotency-Key": "k"})
        assert response.status_code in {401, 403, 404, 405}, path

    assert balances(ploy) == WELCOME


def test_fault_17_the_ledger_says_what_was_paid_and_every_change_is_on_it(
    noks_code: str, ploy: Person, back_end: BackEnd
) -> None:
    browser = invited(ploy, noks_code)
    back_end.report(ploy)

    rows = browser.get("rewards/transactions").json()["results"]

    total = Amounts()
    for row in rows:
        total += Amounts(**row["amounts"])
    assert total == balances(ploy)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE rewards_balance SET amount = amount + 100")


@really_parallel
def test_fault_18_parallel_requests_lose_nothing_and_one_rate_is_in_force(
    ploy: Person, back_end: BackEnd
) -> None:
    Browser().sign_in(ploy).me()
    grant = {"user_id": ploy.clerk_id, "amounts": {"coins": 10}, "reason": "bonus"}
    at_once(
        *(
            partial(
                BackEnd(back_end.key).post, "rewards/grants", grant, **{"Idempotency-Key": f"g{n}"}
            )
            for n in range(5)
        )
    )
    assert balances(ploy).coins == 50

    trade = {"from": "coins", "to": "stars", "units": 2}
    answers = at_once(
        *(
            partial(
                Browser().sign_in(ploy).post,
                "rewards/exchange",
                trade,
                **{"Idempotency-Key": f"x{n}"},
            )
            for n in range(3)
        )
    )

    assert Counter(a.status_code for a in answers) == {201: 1, 409: 2}
    assert (balances(ploy).coins, balances(ploy).stars) == (20, 2)
    with pytest.raises(IntegrityError):
        ExchangeRate.objects.create(from_currency="coins", to_currency="stars", price=20)


@really_parallel
def test_fault_19_any_endpoint_provisions_and_everybody_ends_alike(back_end: BackEnd) -> None:
    by_me, by_claim, by_event, by_webhook, by_parallel = (
        newcomer(name) for name in ("Me", "Claim", "Event", "Webhook", "Parallel")
    )
    Browser().sign_in(by_me).me()
    Browser().sign_in(by_claim).claim()
    back_end.report(by_event, type="nothing.special")
    deliver("user.created", by_webhook.clerk_id)
    at_once(*[Browser().sign_in(by_parallel).me for _ in range(4)])

    for person in (by_me, by_claim, by_event, by_webhook, by_parallel):
        assert balances(person) == WELCOME, person
        assert user_of(person).referral_codes.count() == 1, person


def test_fault_19_a_missing_code_is_repaired(nok: Person) -> None:
    Browser().sign_in(nok).me()
    ReferralCode.objects.all().delete()

    assert code_of(nok)


def test_fault_20_an_address_identifies_nobody_and_the_primary_one_counts(ploy: Person) -> None:
    for clerk_id in ("user_ploy", "user_thief"):
        assert deliver("user.created", clerk_id, email="ploy@example.com").status_code == 200
    two = user_object("user_mali", email="mali@example.com")
    two["email_addresses"].insert(
        0,
        {
            "id": "idn_first",
            "email_address": "first@example.com",
            "verification": {"status": "verified"},
        },
    )
    body, headers = signed(event("user.created", two))
    Client().post("/api/v1/webhooks/clerk", body, content_type="application/json", headers=headers)

    assert Browser().sign_in(ploy).me()["id"] == "user_ploy"
    assert User.objects.filter(email="ploy@example.com").count() == 2
    assert User.objects.get(clerk_id="user_mali").email == "mali@example.com"


def test_fault_21_webhooks_tell_of_failure_and_end_alike_in_any_order() -> None:
    with patch("accounts.services.webhooks.apply_clerk_profile", side_effect=ConnectionError):
        assert deliver("user.created", "user_ploy").status_code == 500
    assert WebhookReceipt.objects.get().status == "failed"

    old, new = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    deliver("user.updated", "user_mali", created_at=old, updated_at=new, first_name="New")
    deliver("user.created", "user_mali", created_at=old, updated_at=old, first_name="Old")
    mali = User.objects.get(clerk_id="user_mali")
    assert (mali.first_name, mali.referral_codes.count()) == ("New", 1)

    erase_user(clerk_id="user_mali", now=timezone.now())
    deliver("user.updated", "user_mali", updated_at=datetime.now(UTC), first_name="Back")
    mali.refresh_from_db()
    assert (mali.first_name, mali.is_gone) == ("", True)


def test_fault_22_deletion_takes_data_balance_and_code_and_ends_payment(
    noks_code: str, nok: Person, ploy: Person, mali: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    body, headers = signed(event("user.deleted", {"id": nok.clerk_id, "deleted": True}))
    Client().post("/api/v1/webhooks/clerk", body, content_type="application/json", headers=headers)

    back_end.report(ploy)

    gone = user_of(nok)
    assert (gone.first_name, gone.last_name, gone.email, gone.image_url) == ("", "", "", "")
    assert not balances(nok)
    refused(Browser().post("referrals/validate", {"code": noks_code}), 404, "code_not_found")
    refused(Browser().sign_in(mali).claim(noks_code), 404, "code_not_found")
    refused(Browser().sign_in(nok).get("me"), 403, "account_deleted")


def test_fault_23_staff_see_attributions_and_others_are_sent_away_not_crashed(
    noks_code: str, ploy: Person, client: Client
) -> None:
    invited(ploy, noks_code)
    aree = User.objects.create_superuser("aree", password="x")
    client.force_login(aree)

    page = client.get("/admin/referrals/attribution/")

    assert page.status_code == 200
    assert noks_code in page.content.decode()
    assert Client().get("/admin/referrals/attribution/").status_code == 302
    refused(Browser().post("events", {}), 401, "api_key_missing")


def test_fault_24_starting_again_overwrites_no_tuned_value() -> None:
    from importlib import import_module

    from django.apps import apps

    RewardRule.objects.filter(name="Welcome").update(free_points=9)
    ExchangeRate.objects.update(price=77)
    terms = TermsFactory(referrer_coins=123)

    import_module("rewards.migrations.0003_default_rules_and_rate").create_missing(apps, None)
    import_module("referrals.migrations.0003_default_program").add_default_program(apps, None)

    assert RewardRule.objects.get(name="Welcome").free_points == 9
    assert list(ExchangeRate.objects.values_list("price", flat=True)) == [77]
    assert terms.program.terms.latest("version") == terms


def test_fault_24_production_takes_no_invented_users() -> None:
    with pytest.raises(CommandError):
        call_command("load_demo")
    assert not User.objects.exists()


def test_fault_25_no_secret_is_in_the_repository() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    assert not [f for f in files if f.name in {".env", ".env.local", ".env.production"}]
    for file in files:
        if file.suffix in {".woff2", ".png", ".ico"} or not file.is_file():
            continue
        text = file.read_text(errors="replace")
        assert not SECRETS.search(text), file


SECRETS = re.compile(
    r"-----BEGIN (?:RSA |EC )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}"
    r"|\bsk_(?:live|test)_[A-Za-z0-9]{20}"
    r"|\bwhsec_[A-Za-z0-9+/]{24}"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|postgres(?:ql)?://[^\s:/@]+:(?!password\b|secret\b|\$|\{)[^\s@]{6,}@[a-z0-9.-]+\.[a-z]{2,}"
)


def test_fault_25_logs_hold_no_tokens_and_no_addresses(
    noks_code: str, back_end: BackEnd, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logging.getLogger().addHandler(handler)
    ploy = newcomer("Ploy", email="ploy@example.com", last_name="Jaidee")
    token = ploy.token()
    try:
        browser = Browser().sign_in(ploy)
        browser.open_link(noks_code)
        browser.claim()
        browser.claim("NOSUCHCODE")
        browser.post("referrals/claim", {"code": 1, "email": "typed@example.com"})
        browser.get("me", Authorization=f"Bearer {token}x")
        deliver("user.updated", "user_ploy", email="ploy@example.com")
        back_end.report(ploy)
        with patch("referrals.views.people.claim_referral", side_effect=ValueError("broken")):
            browser.claim()
    finally:
        logging.getLogger().removeHandler(handler)

    logged = caplog.text + stream.getvalue()
    assert "broken" in logged  # it does log
    for secret in (token, "@example.com", "Jaidee", back_end.key, browser.browser_session or "-"):
        assert secret not in logged


def test_fault_25_what_is_stored_of_a_visit_is_hashed_or_cut(noks_code: str, ploy: Person) -> None:
    browser = Browser(address="203.0.113.77").sign_in(ploy)
    browser.post(
        "referrals/captures",
        {"code": noks_code, "landing_url": "https://app.example.com/?token=secret"},
    )
    browser.claim()

    rows = [*Capture.objects.values(), *user_of(ploy).decisions_as_referee.values()]
    stored = json.dumps(rows, default=str)
    assert "203.0.113.77" not in stored
    assert "secret" not in stored


def test_fault_18_a_hold_does_not_lose_what_is_paid_later(
    noks_code: str, nok: Person, ploy: Person, back_end: BackEnd
) -> None:
    TermsFactory(hold_days=7)
    invited(ploy, noks_code)
    back_end.report(ploy)
    Attribution.objects.update(release_at=timezone.now() - timedelta(seconds=1))

    call_command("release_rewards")
    call_command("release_rewards")

    assert balances(nok) == WELCOME + Amounts(coins=50)
