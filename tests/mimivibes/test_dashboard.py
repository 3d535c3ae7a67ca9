"""The admin's first page: figures for those who may see what they are made of."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.contrib.staticfiles import finders
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User, WebhookReceipt
from referrals.models import Capture, Program
from rewards.amounts import Amounts
from rewards.models import GrantRequest, LedgerProof
from rewards.services import grant, reverse_transaction
from tests.factories import (
    AttributionFactory,
    CaptureFactory,
    ReferralCodeFactory,
    TermsFactory,
    UserFactory,
)
from tests.statements import statements

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
LARGE = (
    "accounts_user",
    "accounts_webhookreceipt",
    "referrals_attribution",
    "referrals_capture",
    "referrals_referralcode",
    "rewards_entry",
    "rewards_transaction",
)
PANELS = {
    "card-held": ["view_attribution"],
    "card-grants": ["view_grantrequest"],
    "card-inbox": ["view_webhookreceipt"],
    "card-proof": ["view_ledgerproof"],
    "panel-funnel": ["view_attribution", "view_capture"],
    "panel-top": ["view_attribution", "view_user", "view_transaction"],
    "panel-issued": ["view_transaction", "view_entry"],
}


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


@pytest.fixture
def aree() -> Client:
    """A superuser's browser, signed in."""
    return signed_in(User.objects.create_superuser("aree", "secret"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def staff_with(*codenames: str) -> Client:
    user = User.objects.create_user("staff", "secret")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    assert user.user_permissions.count() == len(codenames)
    return signed_in(user)


def page(client: Client, **asked: Any) -> str:
    response = client.get("/admin/", asked)
    assert response.status_code == 200
    return str(response.content.decode())


def text_of(html: str, element_id: str) -> str:
    """Return the words of one panel."""
    part = re.search(rf'<(\w+)[^>]*id="{element_id}".*?</\1>', html, re.DOTALL)
    assert part, element_id
    return " ".join(re.sub(r"<[^>]*>", " ", part.group()).replace("\xa0", " ").split())


def plot(html: str) -> dict[str, Any]:
    data = re.search(r'<script id="funnel-data" type="application/json">(.*?)</script>', html)
    assert data
    figures: dict[str, Any] = json.loads(data.group(1))
    return figures


def counts(html: str) -> dict[str, list[int]]:
    return {step["key"]: step["counts"] for step in plot(html)["steps"]}


def totals(html: str) -> dict[str, int]:
    return {key: sum(by_day) for key, by_day in counts(html).items()}


def give(user: User, *, key: str, kind: str = "reward", **amounts: int) -> Any:
    return grant(user_id=user.pk, amounts=Amounts(**amounts), kind=kind, key=key, now=NOW)


def some_of_everything(*, program: Program | None = None) -> None:
    code = ReferralCodeFactory(**({"program": program} if program else {}))
    CaptureFactory(code=code, first_opened_at=NOW, adopted_at=NOW)
    AttributionFactory(code=code, claimed_at=NOW)
    paid = give(code.owner, key=uuid4().hex, kind="referral_referrer", coins=50)
    reverse_transaction(transaction=paid, reason="", key=uuid4().hex, actor="", now=NOW)
    receipt(status="failed")
    GrantRequest.objects.create(
        user=code.owner,
        stars=1,
        reason="x",
        requested_by=code.owner,
        requested_at=NOW,
        nonce=uuid4(),
    )
    LedgerProof.objects.create(started_at=NOW, seconds=1, fault_count=0)


def receipt(*, status: str = "processed", hours_ago: float = 1) -> None:
    is_finished = status in {"processed", "ignored"}
    at = NOW - timedelta(hours=hours_ago)
    WebhookReceipt.objects.create(
        svix_id=uuid4().hex,
        status=status,
        received_at=at,
        processed_at=at if is_finished else None,
        next_attempt_at=None if is_finished else NOW,
    )


def test_the_list_of_apps_stays(aree: Client) -> None:
    assert 'href="/admin/referrals/attribution/"' in page(aree)


def test_view_site_leads_to_the_web_app(aree: Client, settings: Any) -> None:
    page = aree.get("/admin/").content.decode()

    assert f'href="{settings.APP_URL}"' in page


def test_the_page_of_one_app_has_no_dashboard(aree: Client) -> None:
    html = aree.get("/admin/referrals/").content.decode()
    assert 'class="panels"' not in html
    assert 'href="/admin/referrals/attribution/"' in html


def test_staff_who_may_view_nothing_of_it_see_no_dashboard() -> None:
    html = page(staff_with("view_program"))
    assert 'class="panels"' not in html
    assert 'href="/admin/referrals/program/"' in html


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_is_shown_to_those_who_may_view_what_it_shows(panel: str) -> None:
    allowed = PANELS[panel]
    html = page(staff_with(*allowed))
    shown = {name for name, needed in PANELS.items() if set(needed) <= set(allowed)}
    assert {name for name in PANELS if f'id="{name}"' in html} == shown


@pytest.mark.parametrize("panel", PANELS)
def test_a_panel_is_hidden_from_those_who_may_not_view_all_of_it(panel: str) -> None:
    everything = {codename for needed in PANELS.values() for codename in needed}
    for missing in PANELS[panel]:
        User.objects.filter(username="staff").delete()
        assert f'id="{panel}"' not in page(staff_with(*(everything - {missing})))


def test_programs_and_codes_are_to_choose_from_for_those_who_may_view_them() -> None:
    html = page(staff_with("view_attribution", "view_capture"), code="NOSUCH")
    assert 'name="days"' in html
    assert 'name="program"' not in html
    assert 'name="code"' not in html
    assert 'id="panel-funnel"' in html


@pytest.mark.parametrize(("asked", "days"), [({}, 30), ({"days": 7}, 7), ({"days": 90}, 90)])
def test_the_period_is_thirty_days_unless_another_is_chosen(
    aree: Client, asked: dict[str, int], days: int
) -> None:
    html = page(aree, **asked)
    assert len(plot(html)["days"]) == days
    assert plot(html)["days"][-1] == "4 Mar"
    assert f'<option value="{days}" selected>' in html


@pytest.mark.parametrize("nonsense", ["0", "8", "-7", "x", "9" * 30, "\x00"])
def test_a_period_that_there_is_not_is_the_usual_one(aree: Client, nonsense: str) -> None:
    assert len(plot(page(aree, days=nonsense))["days"]) == 30


def test_days_are_those_of_the_time_zone_of_the_settings(aree: Client, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Bangkok"
    CaptureFactory(first_opened_at=datetime(2026, 3, 3, 16, 59, tzinfo=UTC))
    CaptureFactory(first_opened_at=datetime(2026, 3, 3, 17, 0, tzinfo=UTC))
    html = page(aree, days=7)
    assert counts(html)["opened"] == [0, 0, 0, 0, 0, 1, 1]
    assert "Asia/Bangkok" in html


def test_the_table_says_the_same_as_the_plot(aree: Client) -> None:
    CaptureFactory(first_opened_at=NOW, adopted_at=NOW)
    CaptureFactory(first_opened_at=NOW - timedelta(days=2), adopted_at=NOW)
    AttributionFactory(claimed_at=NOW)
    table = text_of(page(aree, days=7), "funnel-table")
    assert "Wed 4 Mar (so far) 1 2 1 0 0" in table
    assert "Mon 2 Mar 1 0 0 0 0" in table
    assert "In all 2 2 1 0 0" in table
    assert "Of all opened — 100 % 50 % 0 % 0 %" in table


def test_shares_are_of_the_step_before(aree: Client) -> None:
    for _ in range(3):
        CaptureFactory(first_opened_at=NOW, adopted_at=NOW)
    AttributionFactory(claimed_at=NOW)
    funnel = text_of(page(aree), "panel-funnel")
    assert "Adopted 3 100 % of the step before" in funnel
    assert "Claimed 1 33.3 % of the step before" in funnel
    assert "Rewarded 0 " in funnel


def test_the_funnel_is_narrowed_by_program_and_code(aree: Client) -> None:
    campus = Program.objects.create(slug="campus", name="Campus")
    TermsFactory(program=campus, version=1)
    code = ReferralCodeFactory(program=campus, code="CAMPUS1")
    CaptureFactory(code=code, first_opened_at=NOW)
    CaptureFactory(first_opened_at=NOW)
    assert totals(page(aree))["opened"] == 2
    assert totals(page(aree, program="campus"))["opened"] == 1
    assert totals(page(aree, program="default"))["opened"] == 1
    assert totals(page(aree, code=" camp-us 1 "))["opened"] == 1
    assert totals(page(aree, code="CAMPUS1", program="default"))["opened"] == 0


@pytest.mark.parametrize("asked", [{"code": "NOSUCH"}, {"program": "nosuch"}, {"code": "\x00"}])
def test_what_names_nothing_is_told_and_no_figures_are_shown_for_it(
    aree: Client, asked: dict[str, str]
) -> None:
    html = page(aree, **asked)
    assert 'class="errornote"' in html
    assert 'id="panel-funnel"' not in html
    assert 'id="panel-top"' not in html
    assert 'id="panel-issued"' in html


def test_top_referrers_link_to_their_pages(aree: Client) -> None:
    code = ReferralCodeFactory(owner=UserFactory(first_name="Nok"))
    AttributionFactory(code=code, claimed_at=NOW)
    give(code.owner, key="nok", kind="referral_referrer", coins=50)
    html = page(aree)
    assert f'href="/admin/accounts/user/{code.owner.pk}/change/"' in html
    assert f"Nok ({code.owner.clerk_id}) 1 0 +50 coins" in text_of(html, "panel-top")


def test_what_was_issued_is_told_by_currency_and_by_kind(aree: Client) -> None:
    nok = UserFactory()
    give(nok, key="a", stars=1_200)
    paid = give(nok, key="b", kind="referral_referrer", coins=50)
    reverse_transaction(transaction=paid, reason="", key="c", actor="", now=NOW)
    html = page(aree)
    issued = text_of(html, "panel-issued")
    assert "Stars 1,200 1,200 given, 0 taken back" in issued
    assert "Coins 0 50 given, 50 taken back" in issued
    assert "By reward rules +1,200 — — —" in issued
    assert 'href="/admin/rewards/transaction/?kind=reward"' in html


def test_the_held_queue_tells_its_age(aree: Client) -> None:
    assert "Nothing waits" in text_of(page(aree), "card-held")
    AttributionFactory(claimed_at=NOW - timedelta(hours=5))
    AttributionFactory(claimed_at=NOW)
    assert "2 The oldest has waited for 5 hours." in text_of(page(aree), "card-held")


def test_grants_that_wait_for_a_second_person_are_told(aree: Client) -> None:
    assert "None waits" in text_of(page(aree), "card-grants")
    some_of_everything()
    assert "Grant requests 1 " in text_of(page(aree), "card-grants")


def test_the_inbox_tells_what_is_not_finished_and_what_failed(aree: Client) -> None:
    receipt(hours_ago=50)
    assert "Every delivery is finished." in text_of(page(aree), "card-inbox")
    receipt(status="failed", hours_ago=3)
    receipt(status="received", hours_ago=2)
    inbox = text_of(page(aree), "card-inbox")
    assert "2 Not finished; the oldest came 3 hours ago. 1 failed." in inbox
    assert "Clerk delivered last 2 hours ago." in inbox


@pytest.mark.parametrize(
    ("proof", "told", "is_alarming"),
    [
        (None, "Never proved", True),
        ({"hours": 25, "fault_count": 0}, "Clean Proved 1 day, 1 hour ago.", False),
        ({"hours": 27, "fault_count": 0}, "That is too long ago.", True),
        ({"hours": 1, "fault_count": 2}, "2 faults Proved 1 hour ago.", True),
    ],
)
def test_the_proof_of_the_ledger_stands_out_if_it_is_missing_late_or_faulty(
    aree: Client, proof: dict[str, int] | None, told: str, is_alarming: bool
) -> None:
    if proof:
        faults = [{"code": "x", "subject": "x", "detail": "x"}] * proof["fault_count"]
        started_at = NOW - timedelta(hours=proof["hours"])
        LedgerProof.objects.create(
            started_at=started_at, seconds=1, fault_count=len(faults), faults=faults
        )
    html = page(aree)
    card = text_of(html, "card-proof")
    assert told in card
    assert ("manage.py verify_ledger" in card) is is_alarming
    assert ('class="card alarm" id="card-proof"' in html) is is_alarming


@pytest.mark.parametrize(
    ("asked", "most"),
    [({}, 19), ({"program": "default"}, 21), ({"program": "default", "code": "NOK1"}, 20)],
)
def test_the_page_costs_the_same_however_much_there_is(
    aree: Client, asked: dict[str, str], most: int
) -> None:
    some_of_everything()
    code = ReferralCodeFactory(code="NOK1")
    AttributionFactory(code=code, claimed_at=NOW)
    page(aree, **asked, days=90)
    with statements() as few:
        page(aree, **asked)
    for _ in range(12):
        some_of_everything()
        AttributionFactory(code=code, claimed_at=NOW)
    with statements() as many:
        page(aree, **asked, days=90)
    assert len(many) == len(few) <= most, many


def test_days_before_today_are_counted_at_the_first_look_alone(aree: Client) -> None:
    yesterday = NOW - timedelta(days=1)
    CaptureFactory(first_opened_at=yesterday, adopted_at=yesterday)
    with statements() as first:
        before = totals(page(aree, days=90))
    with statements() as second:
        assert totals(page(aree)) == before
    assert len(second) < len(first)
    Capture.objects.all().delete()
    html = page(aree)
    assert totals(html) == before
    assert "Days that are over stay as they were counted" in html
    CaptureFactory(first_opened_at=NOW)
    assert totals(page(aree))["opened"] == before["opened"] + 1


@pytest.mark.parametrize("program", ["", "default", "campus"])
def test_no_figure_needs_a_whole_table(aree: Client, program: str) -> None:
    """With sequential scans all but forbidden, PostgreSQL finds an index for each large table."""
    campus = Program.objects.create(slug="campus", name="Campus")
    TermsFactory(program=campus, version=1)
    some_of_everything()
    some_of_everything(program=campus)
    with statements() as sent:
        page(aree, program=program)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for sql in sent:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert not [name for name in LARGE if f"Seq Scan on {name} " in plan], plan


def test_the_page_has_no_script_or_style_of_its_own(aree: Client) -> None:
    some_of_everything()
    panels = page(aree).partition('<div class="panels">')[2].partition('id="content-main"')[0]
    for script in re.findall(r"<script\b[^>]*>", panels):
        assert " src=" in script or 'type="application/json"' in script
    assert not re.findall(r"<style|\sstyle=|\son\w+=|javascript:", panels)


def test_a_name_cannot_break_out_of_the_page(aree: Client) -> None:
    code = ReferralCodeFactory(owner=UserFactory(first_name="<script>alert(1)</script>"))
    AttributionFactory(code=code, claimed_at=NOW)
    assert "<script>alert" not in page(aree)


def test_the_chart_library_is_the_one_that_was_published() -> None:
    """Chart.js 4.6.1 from npm, less its last line, which names a map that is not served here."""
    vendored = finders.find("mimivibes/vendor/chart.js/chart-4.6.1.umd.min.js")
    assert vendored
    published = Path(vendored).read_bytes() + b"//# sourceMappingURL=chart.umd.min.js.map\n"
    assert hashlib.sha256(published).hexdigest() == (
        "87364cc2b2a76a6684929e7d6b80b18a897794db38400caff1fcf1791c6925d2"
    )
    assert Path(vendored).with_name("LICENSE.md").read_text().startswith("The MIT License")


def test_browsers_that_ask_for_an_icon_get_one(client: Client, aree: Client) -> None:
    icon = client.get("/favicon.ico")
    assert icon.status_code == 200
    assert b"".join(icon)[:4] == b"\x00\x00\x01\x00"
    assert 'rel="icon" href="/static/mimivibes/icon.svg"' in page(aree)
