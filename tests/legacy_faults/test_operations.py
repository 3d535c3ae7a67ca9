"""Operations: faults 23 to 25."""

import io
import json
import logging
import re
import subprocess
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from referrals.models import Capture
from rewards.models import ExchangeRate, RewardRule
from tests.accounts.requests import deliver_user
from tests.factories import TermsFactory
from tests.people import Browser, Person, newcomer
from tests.problems import refused
from tests.referrals.back_end import BackEnd
from tests.referrals.story import invited, user_of
from tests.server import ROOT

pytestmark = pytest.mark.django_db


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
        deliver_user("user.updated", "user_ploy", email="ploy@example.com")
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
