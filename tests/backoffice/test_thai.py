"""The back office in Thai: all that staff read is, and all that is kept stays in English."""

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import User, WebhookReceipt
from backoffice.corrections import CorrectableAdmin
from backoffice.lists import LogsInEnglish
from backoffice.refusals import refusal_told
from mimivibes import settings as ours
from mimivibes.models import CommandRun, UnusedTableBackup
from referrals.models import Attribution, Program, ReferralCode, TimelineEntry
from rewards.models import GrantRequest, RewardRule, Transaction
from tests.backoffice import admin_pages
from tests.backoffice.thai import texts_of
from tests.factories import UnusedTableBackupFactory
from tests.test_translations import told, written

pytestmark = pytest.mark.django_db

THAI = re.compile(r"[\u0e00-\u0e7f]")
WORD = re.compile(r"[A-Za-z][A-Za-z’'-]+")
PLACE = re.compile(r"%\\\(\w+\\\)[sd]")
NAMED_PLACE = re.compile(r"%\(\w+\)[sd]")
# Ids, codes, addresses, names of events: what has a digit or a sign within, or capitals alone.
NAME_OF_A_THING = re.compile(r"\S*[0-9_@/{]\S*|\b[A-Z]+\b|\w+\.\w\S*")
NAMES = {"MiMiVibes", "Referrals", "Clerk", "English", "Google", "Svix-id", "Esc"}
DJANGOS = {"True", "False", "Search"}  # of icons, beside which stands no other text


@pytest.fixture(autouse=True)
def _refusals_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="django.request")


def in_thai(client: Client, address: str) -> Any:
    return client.get(address, headers={"accept-language": "th"})


@pytest.fixture
def pages(aree: Client) -> list[str]:
    """The address of every page, and of every person and attribution of the demo."""
    CommandRun.objects.create(command="cleanup_all", runner="x", started_at=timezone.now())
    UnusedTableBackupFactory()
    rows: dict[type[Model], Any] = {
        model: model._default_manager.first() for model in admin.site._registry
    }
    found = admin_pages.pages(rows)
    own = [address for name, address in found.items() if "auth_group" not in name]
    people = User.objects.filter(clerk_id__isnull=False).order_by("pk")[:8]
    stories = [*people, *Attribution.objects.order_by("status", "pk")]
    return own + [
        reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk])
        for row in stories
    ]


def data() -> tuple[set[str], set[str]]:
    """Return the words that are names in this database, and the texts that somebody wrote."""
    named: list[str] = []
    for rows in (
        User.objects.values_list("first_name", "last_name", "username"),
        Program.objects.values_list("name", "slug"),
        ReferralCode.objects.values_list("code"),
        RewardRule.objects.values_list("name"),
        Group.objects.values_list("name"),
        CommandRun.objects.values_list("command", "runner"),
        UnusedTableBackup.objects.values_list("schema", "name", "folder", "runner"),
    ):
        named += [str(value) for row in rows for value in row]
    texts = {
        *Transaction.objects.filter(kind__in=["grant", "spend"]).values_list("memo", flat=True),
        *GrantRequest.objects.values_list("reason", flat=True),
        *WebhookReceipt.objects.filter(status="failed").values_list("reason", flat=True),
        *TimelineEntry.objects.filter(actor__startswith="staff:").values_list("reason", flat=True),
    }
    names = {word for name in named for word in WORD.findall(name.replace("_", " "))}
    return names | NAMES | DJANGOS | {"readings", "shop", "demo", "events", "test"}, texts


def english_of(html: str, names: set[str], texts: set[str]) -> Iterator[str]:
    """Yield what a page says in English alone, names and what somebody wrote apart."""
    for text in texts_of(html):
        is_written = text.strip(" “”") in texts or text.startswith("{")  # by people, by services
        if not THAI.search(text) and not is_written:
            words = WORD.findall(NAME_OF_A_THING.sub(" ", text))
            if set(words) - names:
                yield text


def sentences() -> list[re.Pattern[str]]:
    """Return what our English sentences look like, whatever stands in their places."""
    return [
        re.compile(PLACE.sub(".+", re.escape(english)))
        for (_context, english), thai in told(written("django")).items()
        if thai != english and len(WORD.findall(NAMED_PLACE.sub("", english))) > 2
    ]


def test_every_page_is_in_thai(aree: Client, pages: list[str]) -> None:
    """No text is in English alone, and no English sentence of ours hides in a Thai one."""
    names, texts = data()
    ours_in_english = sentences()
    english: dict[str, str] = {}

    for address in pages:
        response = in_thai(aree, address)
        if response.status_code == 200 and "html" in response["Content-Type"]:
            assert '<html lang="th"' in response.text
            found = [*english_of(response.text, names, texts)]
            said = "\n".join(texts_of(response.text))
            found += [match[0] for one in ours_in_english if (match := one.search(said))]
            english |= dict.fromkeys(found, address)

    assert english == {}, "\n".join(english)


def test_the_sign_in_page_is_in_thai_and_offers_both_languages(client: Client) -> None:
    page = in_thai(client, "/admin/login/").text

    assert "เข้าสู่ระบบ" in page
    assert "รหัสยืนยัน" in page
    assert 'value="en" lang="en">English</button>' in page
    assert 'value="th" lang="th" aria-current="true">ภาษาไทย</button>' in page


def test_staff_choose_the_language_and_stay_on_the_page(aree: Client) -> None:
    page = "/admin/referrals/attribution/?status__exact=held"

    back = aree.post("/admin/language/", {"language": "th", "next": page})

    assert back["Location"] == page
    assert '<html lang="th"' in aree.get(page).text
    assert '<html lang="en"' in Client().get("/admin/login/").text


def test_the_choice_of_language_is_within_reach_of_the_admins_cookies() -> None:
    """In production the CSRF token's cookie is sent below this path alone."""
    assert reverse("admin:set_language").startswith(ours.SESSION_COOKIE_PATH)


def test_a_forged_choice_of_language_is_refused(demo: None) -> None:
    stranger = Client(enforce_csrf_checks=True)

    assert stranger.post("/admin/language/", {"language": "th"}).status_code == 403


def corrections() -> list[Any]:
    pages = [a for a in admin.site._registry.values() if isinstance(a, CorrectableAdmin)]
    return [correction for page in pages for correction in page.corrections]


def kinds(refusal: type[Exception]) -> Iterator[type[Exception]]:
    yield refusal
    for narrower in refusal.__subclasses__():
        yield from kinds(narrower)


@pytest.mark.parametrize(
    "kind", sorted({k for c in corrections() for r in c.refusals for k in kinds(r)}, key=str)
)
def test_every_refusal_of_a_correction_is_told_in_thai(kind: type[Exception]) -> None:
    error = Exception.__new__(kind)
    with translation.override("th"):
        assert THAI.search(refusal_told(error)), kind


def test_what_is_refused_of_a_correction_is_told_in_thai(aree: Client) -> None:
    person = User.objects.get(clerk_id="user_nok")
    page = reverse("admin:accounts_user_attribute", args=[person.pk])
    asked = {"code": person.referral_codes.first(), "reason": "She says so."}

    said = aree.post(page, asked, headers={"accept-language": "th"}).text

    assert "โค้ดนี้เป็นของผู้ได้รับเชิญเอง" in said


def test_what_is_kept_is_in_english_whoever_acts(aree: Client) -> None:
    held = Attribution.objects.filter(status="held").first()
    assert held is not None
    page = reverse("admin:referrals_attribution_reject", args=[held.pk])
    thai = {"accept-language": "th"}
    form = {"reason": "เครื่องเดียวกัน", "preview": "1"}
    seen = aree.post(page, form, headers=thai).context["effect"].digest

    aree.post(page, {**form, "confirm": "1", "seen": seen}, headers=thai)

    entry = LogEntry.objects.latest("pk")
    assert entry.change_message == "Reject: เครื่องเดียวกัน"
    assert " by " in entry.object_repr


def test_every_page_of_the_admin_logs_in_english() -> None:
    others = [
        model for model, page in admin.site._registry.items() if not isinstance(page, LogsInEnglish)
    ]

    assert others == [Group]
