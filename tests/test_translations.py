"""Every text that people read is there in Thai, and the catalogs are those that the code needs."""

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.test import Client
from django.utils import translation
from django.utils.translation.template import templatize

from rewards.models import Transaction
from rewards.services import memo_told
from tests.people import Browser, Person
from tests.problems import refused

ROOT = Path(__file__).resolve().parent.parent
CATALOGS = ROOT / "locale" / "th" / "LC_MESSAGES"
PACKAGES = ("accounts", "backoffice", "mimivibes", "outbox", "referrals", "rewards")
KEYWORDS = {**DEFAULT_KEYWORDS, "gettext_lazy": None, "gettext_noop": None}
KEYWORDS |= {"ngettext_lazy": (1, 2), "pgettext_lazy": ((1, "c"), 2)}
THAI = re.compile(r"[\u0e00-\u0e7f]")
PLACE = re.compile(r"%\(\w+\)[sd]")


def written(domain: str) -> Catalog:
    with (CATALOGS / f"{domain}.po").open("rb") as file:
        return read_po(file, locale="th", domain=domain)


def texts(kind: str, source: bytes) -> Iterator[str]:
    for _line, message, _comments, _context in extract(kind, BytesIO(source), KEYWORDS):
        yield first(message)


def needed(domain: str) -> set[str]:
    """Return every English text that the code marks for translation."""
    suffixes = {"django": (".py", ".html"), "djangojs": (".js",)}[domain]
    found: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.suffix not in suffixes or {"vendor", "migrations"} & set(path.parts):
                continue
            source = path.read_bytes()
            if path.suffix == ".html":
                source = templatize(source.decode()).encode()
            found.update(texts("javascript" if domain == "djangojs" else "python", source))
    return found - {""}


@pytest.mark.parametrize("domain", ["django", "djangojs"])
def test_the_catalog_holds_every_text_and_no_other(domain: str) -> None:
    kept = {english for _context, english in told(written(domain))}

    assert needed(domain) - kept == set(), "Run `make messages`, then translate what is new."
    assert kept - needed(domain) == set(), "Run `make messages`."


@pytest.mark.parametrize("domain", ["django", "djangojs"])
def test_every_text_has_its_translation_with_the_same_places(domain: str) -> None:
    for message in written(domain):
        if message.id:
            english = message.id[-1] if message.pluralizable else message.id
            thai = first(message.string)
            assert thai, english
            assert not message.fuzzy, english
            assert set(PLACE.findall(thai)) == set(PLACE.findall(english)), english


@pytest.mark.parametrize("domain", ["django", "djangojs"])
def test_what_is_served_is_what_was_written(domain: str) -> None:
    with (CATALOGS / f"{domain}.mo").open("rb") as file:
        served = told(read_mo(file))

    assert served == told(written(domain))


def told(catalog: Catalog) -> dict[tuple[str, str], str]:
    """Return every translation by context and English text."""
    return {(_context(m), first(m.id)): first(m.string) for m in catalog if m.id}


def _context(message: Message) -> str:
    context: str | bytes | None = message.context  # bytes, where Babel reads what is served
    return context.decode() if isinstance(context, bytes) else context or ""


def first(text: str | Sequence[str]) -> str:
    """Return a text, or the first of its plural forms: Thai has but one."""
    return text if isinstance(text, str) else text[0]


@pytest.mark.django_db
def test_a_problem_comes_in_the_language_of_the_request_and_of_no_other(client: Client) -> None:
    thai = client.get("/api/v1/me", headers={"accept-language": "th-TH,th;q=0.9,en;q=0.5"})
    english = client.get("/api/v1/me")

    assert thai["Content-Language"] == "th"
    assert thai.json()["title"] == "กรุณาเข้าสู่ระบบก่อน"
    refused(thai, 401, "token_missing")
    assert english.json()["title"] == "Sign in first"


@pytest.mark.django_db
def test_a_path_that_is_not_there_is_told_in_thai_too(client: Client) -> None:
    response = client.get("/api/v1/nothing", headers={"accept-language": "th"})

    assert response.json()["title"] == "ไม่พบสิ่งที่ร้องขอ"


@pytest.mark.django_db
def test_what_is_wrong_with_a_field_is_told_in_thai(ploy: Person) -> None:
    response = (
        Browser()
        .sign_in(ploy)
        .request("post", "referrals/claim", {"code": ["x"]}, **{"Accept-Language": "th"})
    )

    assert response.json()["title"] == "ข้อมูลไม่ถูกต้อง"
    assert THAI.search(response.json()["errors"][0]["detail"])


@pytest.mark.django_db
def test_the_systems_memos_are_told_in_the_language_of_the_request(
    noks_code: str, ploy: Person
) -> None:
    browser = Browser()
    browser.open_link(noks_code)
    browser.sign_in(ploy).claim()

    def memos(language: str) -> set[str]:
        asked = {"Accept-Language": language}
        answer = browser.request("get", "rewards/transactions", **asked).json()
        return {row["memo"] for row in answer["results"]}

    assert "รางวัลสำหรับการรับคำเชิญ" in memos("th")
    assert "Reward for accepting an invitation" in memos("en")
    assert Transaction.objects.filter(memo="Reward for accepting an invitation").exists()


@pytest.mark.django_db
def test_what_a_service_wrote_is_told_as_it_is() -> None:
    words = "Added by our support team"

    with translation.override("th"):
        assert memo_told(Transaction(kind="grant", memo=words, actor="key:1")) == words
        assert memo_told(Transaction(kind="grant", memo=words, actor="staff:aree")) != words
        assert memo_told(Transaction(kind="reward", memo="Coins")) == "Coins"
