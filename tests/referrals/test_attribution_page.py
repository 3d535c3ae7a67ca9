"""The page of an attribution in the admin: the answer, the facts, the story, links both ways."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import User
from backoffice.references import row_behind
from referrals.models import (
    Attribution,
    BrowserSession,
    Capture,
    Decision,
    ReferralCode,
    TimelineEntry,
    UserDevice,
)
from referrals.services.attributions import reverse_attribution
from rewards.models import Transaction
from tests.factories import BrowserSessionFactory, CaptureFactory
from tests.people import Browser, Person
from tests.referrals.back_end import BackEnd
from tests.referrals.story import user_of
from tests.statements import statements

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>"


def address(row: Any) -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"


def page(client: Client, row: Any) -> str:
    response = client.get(address(row))
    assert response.status_code == 200
    return str(response.content.decode())


def test_the_answer_comes_first(aree: Client, attribution: Attribution) -> None:
    shown = page(aree, attribution)

    answer = shown.index("Both were rewarded: Ploy +1 star, Nok +50 coins.")
    assert answer < shown.index("Facts") < shown.index("The story")


def test_it_links_to_all_that_it_tells_of(aree: Client, attribution: Attribution) -> None:
    shown = page(aree, attribution)

    rows: list[Any] = [
        attribution.referee,
        attribution.referrer,
        attribution.code,
        attribution.terms,
        attribution.capture,
        *BrowserSession.objects.all(),
        *Decision.objects.all(),
        *Transaction.objects.filter(reference=attribution.reference),
    ]
    assert len(rows) == 9
    for row in rows:
        assert f'href="{address(row)}"' in shown, row


@pytest.mark.parametrize("model", [Capture, Decision, Transaction, User])
def test_they_link_back(aree: Client, attribution: Attribution, model: Any) -> None:
    row = {
        Capture: lambda: attribution.capture,
        Decision: lambda: attribution.decisions.get(),
        Transaction: lambda: Transaction.objects.get(idempotency_key=attribution.referrer_key),
        User: lambda: attribution.referee,
    }[model]()

    assert f'href="{address(attribution)}"' in page(aree, row)


def test_a_code_and_a_browser_session_lead_to_what_came_of_them(
    aree: Client, attribution: Attribution
) -> None:
    shown = page(aree, attribution.code)
    assert f"/admin/referrals/attribution/?code__id__exact={attribution.code_id}" in shown

    assert f'href="{address(attribution.capture)}"' in page(aree, BrowserSession.objects.get())


def test_the_filtered_lists_that_it_links_to_open(aree: Client, attribution: Attribution) -> None:
    user, device = attribution.referee_id, UserDevice.objects.filter(user=attribution.referee).get()
    for filtered in (
        f"referrals/attribution/?referrer__id__exact={attribution.referrer_id}",
        f"referrals/attribution/?code__id__exact={attribution.code_id}",
        f"referrals/capture/?code__id__exact={attribution.code_id}",
        f"referrals/decision/?capture__id__exact={attribution.capture_id}",
        f"referrals/userdevice/?user__id__exact={user}",
        f"referrals/userdevice/?device_id__exact={device.device_id}",
        f"rewards/transaction/?user__id__exact={user}",
        f"rewards/transaction/?q={attribution.reference}",
        "accounts/webhookreceipt/?q=user_ploy",
    ):
        response = aree.get(f"/admin/{filtered}")
        assert response.status_code == 200, filtered  # an unknown filter would redirect


def test_rules_that_passed_are_folded(aree: Client, attribution: Attribution) -> None:
    shown = page(aree, attribution)

    folded = shown[shown.index("<details>") : shown.index("</details>")]
    assert "14 rules passed" in folded
    assert "The code is somebody else&#x27;s." in folded


def test_nothing_is_told_twice(aree: Client, attribution: Attribution) -> None:
    shown = page(aree, attribution)

    assert "inline-group" not in shown
    assert shown.count("was given 50 coins") == 1


@pytest.mark.parametrize("reference", ["", "attribution:nonsense", "event:none", "elsewhere:1"])
def test_a_reference_may_lead_nowhere(db: None, reference: str) -> None:
    assert row_behind(reference) is None


def test_the_payment_of_a_rule_leads_to_its_event(
    aree: Client, attribution: Attribution, ploy: Person
) -> None:
    event = user_of(ploy).qualifying_events.get()
    paid = Transaction.objects.get(reference=f"event:{event.event_id}")

    assert f'href="{address(event)}"' in page(aree, paid)


def test_hostile_words_are_shown_as_words(
    aree: Client, attribution: Attribution, ploy: Person
) -> None:
    User.objects.filter(clerk_id="user_ploy").update(first_name=HOSTILE.replace(" ", ""))
    Capture.objects.update(landing_url=f"https://x/{HOSTILE}", utm={"source": HOSTILE})
    reverse_attribution(
        attribution=attribution, actor=f"staff:{HOSTILE}", reason=HOSTILE, now=timezone.now()
    )

    for shown in (page(aree, attribution), page(aree, user_of(ploy)), page(aree, attribution.code)):
        assert "<script>alert" not in shown
    assert f"https://x/{'&lt;script&gt;alert(1)&lt;/script&gt;'}" in page(aree, attribution)


def test_it_costs_the_same_however_much_happened(
    aree: Client, attribution: Attribution, ploy: Person, back_end: BackEnd
) -> None:
    def cost() -> int:
        with statements() as sent:
            page(aree, attribution)
        return len(sent)

    page(aree, attribution)
    few = cost()
    for _ in range(4):
        back_end.report(ploy)
        Browser().sign_in(ploy).claim("NOSUCHCODE")
        CaptureFactory(user=user_of(ploy))
        TimelineEntry.objects.create(
            attribution=attribution,
            at=timezone.now(),
            from_status="rewarded",
            to_status="rewarded",
            actor="staff:aree",
            reason="A note",
        )

    assert cost() == few
    assert few <= 25


def test_who_may_only_see_attributions_gets_no_links_to_closed_pages(
    attribution: Attribution,
) -> None:
    viewer = User.objects.create_user("viewer", "secret")
    viewer.user_permissions.add(Permission.objects.get(codename="view_attribution"))
    client = Client()
    client.force_login(viewer)

    shown = page(client, attribution)

    assert "Both were rewarded" in shown
    for row in (attribution.referee, attribution.code, attribution.capture):
        assert address(row) not in shown


class TestWhatIsWaiting:
    """From a code's page: what was opened with it and belongs to nobody yet."""

    def test_it_is_shown_with_where_it_was_opened(self, aree: Client, noks_code: str) -> None:
        browser = Browser()
        sent = {"code": noks_code, "landing_url": "https://app.example.com/hello"}
        browser.post("referrals/captures", sent)
        session = BrowserSession.objects.get()

        shown = page(aree, ReferralCode.objects.get(code=noks_code))

        assert "Landed on https://app.example.com/hello." in shown
        assert session.device_id.hex[:8] in shown
        assert f'href="{address(session)}"' in shown

    def test_what_somebody_has_is_not_there(
        self, aree: Client, noks_code: str, ploy: Person
    ) -> None:
        browser = Browser()
        browser.open_link(noks_code)
        browser.sign_in(ploy).me()

        assert "Nothing is waiting." in page(aree, ReferralCode.objects.get(code=noks_code))

    def test_it_costs_the_same_however_much_waits(self, aree: Client, noks_code: str) -> None:
        code = ReferralCode.objects.get(code=noks_code)

        def wait(count: int) -> None:
            for session in BrowserSessionFactory.create_batch(count):
                CaptureFactory(code=code, user=None, browser_session=session)

        def cost() -> int:
            with statements() as sent:
                page(aree, code)
            return len(sent)

        wait(1)
        page(aree, code)
        few = cost()
        wait(60)

        assert cost() == few
        assert "These are the newest 50." in page(aree, code)
