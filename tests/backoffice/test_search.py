"""Search in the admin, by what staff type on a phone, out of a complaint."""

from uuid import UUID

import pytest
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from accounts.models import User, WebhookReceipt
from backoffice import search
from backoffice.search import Term, cleaned
from referrals.models import (
    Attribution,
    BrowserSession,
    Capture,
    Decision,
    QualifyingEvent,
    ReferralCode,
    UserDevice,
)
from rewards.amounts import Amounts
from rewards.models import Balance, Entry, Transaction
from rewards.services import grant
from tests.backoffice.conftest import address_of, signed_in
from tests.factories import (
    AttributionFactory,
    BrowserSessionFactory,
    CaptureFactory,
    ReferralCodeFactory,
    UserFactory,
)
from tests.statements import statements

pytestmark = pytest.mark.django_db
SESSION = UUID("0199aaaa-0000-7000-8000-000000000001")
DEVICE = UUID("0199bbbb-0000-7000-8000-000000000002")
OF_SOMEBODY = (
    Attribution, Balance, BrowserSession, Capture, Decision, Entry, QualifyingEvent, ReferralCode,
    Transaction, User, UserDevice, WebhookReceipt,
)  # fmt: skip


@pytest.fixture
def aree() -> Client:
    return signed_in(User.objects.create_superuser("aree", "secret"))


@pytest.fixture
def nok() -> User:
    """Nok, with a row about her on every list; and Mali, with as many."""
    _with_rows(UserFactory(clerk_id="user_2mali", first_name="Mali", email="mali@example.com"), 1)
    nok = UserFactory(
        clerk_id="user_2abcNOK",
        first_name="Nok",
        last_name="O’Suksan",
        email="nok.suksan@example.com",
    )
    _with_rows(nok, 2)
    return nok


def _with_rows(user: User, number: int) -> None:
    now = timezone.now()
    code = ReferralCodeFactory(owner=user, code="NOK2025" if number == 2 else "MALI77")
    session = UUID(int=SESSION.int + 2 - number)
    device = UUID(int=DEVICE.int + 2 - number)
    BrowserSessionFactory(id=session, device_id=device, adopted_by=user, adopted_at=now)
    UserDevice.objects.create(device_id=device, user=user)
    CaptureFactory(code=code, user=user, browser_session_id=session)
    attribution = AttributionFactory(code=code)
    Decision.objects.create(
        referee=attribution.referee, referrer=user, attribution=attribution, code=code.code, at=now,
        outcome="held",
    )  # fmt: skip
    QualifyingEvent.objects.create(
        event_id=f"evt-{number}", type="reading.completed", user=user, occurred_at=now
    )
    WebhookReceipt.objects.create(
        svix_id=f"msg_{number}", clerk_id=user.clerk_id or "", received_at=now, next_attempt_at=now
    )
    grant(
        user_id=user.pk, amounts=Amounts(coins=5), kind="grant", key=f"grant:{number}", memo="",
        reference=attribution.reference, actor="staff:aree", now=now,
    )  # fmt: skip


def found(client: Client, model: type[Model], term: str) -> set[Model]:
    response = client.get(address_of(model), {"q": term})
    assert response.status_code == 200
    return set(response.context["cl"].result_list)


def of_nok(model: type[Model]) -> set[Model]:
    """Return her rows: each list has one of hers and one of Mali's, the house's entries aside."""
    if model is User:
        return set(User.objects.filter(first_name="Nok"))
    if model in {Entry, Balance}:
        return set(model._default_manager.filter(user__first_name="Nok"))
    return (
        {model._default_manager.order_by("pk").last()}
        if model is not BrowserSession
        else {BrowserSession.objects.get(pk=SESSION)}
    )  # type: ignore[return-value]


@pytest.mark.parametrize("model", OF_SOMEBODY, ids=lambda model: model.__name__)
def test_a_person_is_found_on_every_list(model: type[Model], aree: Client, nok: User) -> None:
    for term in (
        "user_2abcNOK",
        " user_2abcnok\u00a0",
        "Nok.suksan",
        "Nok.Suksan@ example.com",
        "ｎｏｋ．ｓｕｋ",
        "nok",
        "Nok o'suksan",
        "O’suk nok",
        "O'Suksan",
        "“Nok”",
    ):
        assert found(aree, model, term) == of_nok(model), term


@pytest.mark.parametrize("model", [Attribution, Capture, Decision, ReferralCode, User])
def test_a_code_is_found_as_people_type_codes(model: type[Model], aree: Client, nok: User) -> None:
    for term in ("NOK2025", "nok 2025", "Nok–2025", "NOK-2025.", "ＮＯＫ２０２５", "nok20"):
        assert found(aree, model, term) == of_nok(model), term


def test_what_has_an_id_is_found_by_it(aree: Client, nok: User) -> None:
    attribution = Attribution.objects.get(code__code="NOK2025")
    paid = Transaction.objects.get(user=nok)

    for model, term in (
        (Attribution, str(attribution.pk)),
        (Attribution, f"Attribution: {attribution.pk}"),
        (Decision, str(attribution.pk).upper()),
        (Transaction, str(attribution.pk)),
        (Transaction, attribution.reference),
        (Transaction, str(paid.pk)),
        (Transaction, paid.pk.hex),
        (Transaction, "grant:2"),
        (Capture, str(SESSION)),
        (Capture, str(DEVICE)),
        (BrowserSession, str(SESSION)),
        (BrowserSession, str(DEVICE)),
        (UserDevice, str(DEVICE)),
        (QualifyingEvent, "evt-2"),
        (WebhookReceipt, "msg_2"),
    ):
        assert found(aree, model, term) == of_nok(model), (model, term)
    assert found(aree, Entry, str(paid.pk)) == set(paid.entries.all())
    entry = paid.entries.all()[0]
    assert found(aree, Entry, str(entry.pk)) == {entry}


def test_a_refused_code_is_found_as_it_was_typed(aree: Client, nok: User) -> None:
    refused = Decision.objects.create(
        referee=nok, code="nok2o25", at=timezone.now(), outcome="refused", refusal="code_not_found"
    )

    assert found(aree, Decision, "Nok2O") == {refused}


@pytest.mark.parametrize(
    "term", ["ok", "suksan@example.com", "2025", "nok mali", "zzz", "%ok", "N_k"]
)
def test_what_is_not_the_beginning_finds_nobody(aree: Client, nok: User, term: str) -> None:
    assert found(aree, User, term) == set()


@pytest.mark.parametrize("name", ["น้ำฝน", "สมชาย"])
def test_thai_names_are_found_by_their_beginning(aree: Client, name: str) -> None:
    user = UserFactory(first_name=name)

    assert found(aree, User, name[:3]) == {user}


def test_what_one_searches_is_cleaned() -> None:
    assert cleaned("  “Nok”\u00a0 \u200bSuk\tsan\x00. ") == "Nok Suk san"
    assert cleaned("น้ำ") == "น้ำ"
    assert len(cleaned("x" * 10_000)) == search.LONGEST
    assert Term("12").number == 12
    assert Term("²").number is None
    assert Term("9" * 40).number is None


def test_whoever_it_is_exactly_is_found_among_many(
    aree: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_FOUND", 3)
    UserFactory.create_batch(5, first_name="Nokdee")
    nok = UserFactory(clerk_id="nok")
    UserFactory.create_batch(5, first_name="Nokdee")

    response = aree.get(address_of(User), {"q": "nok"})

    rows = set(response.context["cl"].result_list)
    assert nok in rows
    assert len(rows) == 3
    assert "Type more to see all of them" in response.content.decode()


def test_a_search_joins_no_table_to_find_people(aree: Client, nok: User) -> None:
    with statements() as sent:
        found(aree, Attribution, "nok")

    counted = next(statement for statement in sent if "COUNT(" in statement)
    assert "JOIN" not in counted
    assert "UPPER" not in counted
