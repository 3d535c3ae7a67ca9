"""What the web app is told, from every way in which an attribution or a balance can change."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.services import erase_user
from backoffice.rehearsal import rehearse
from outbox.models import OutboxMessage
from outbox.services import Event, publish, silenced
from referrals.models import Attribution, ReferralCode
from referrals.services import corrections
from referrals.services.releases import release_due
from rewards import services as rewards
from rewards.amounts import Amounts
from tests.factories import TermsFactory
from tests.parallel import at_once
from tests.people import Browser, Person
from tests.referrals.aree import by_aree, fresh
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, balances, code_of, invited, user_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _on(settings: Any) -> None:
    settings.SVIX_TOKEN, settings.SVIX_APP = "testsk_outbox", "web-app"


@pytest.fixture
def told(noks_code: str, ploy: Person, mali: Person) -> Callable[[], list[str]]:
    """Return, each time, the types of what was told since the last time."""
    for person in (ploy, mali):
        Browser().sign_in(person).me()

    def since_last_time() -> list[str]:
        messages = OutboxMessage.objects.order_by("sequence")
        types = [f"{m.type}:{m.data['kind']}" if "kind" in m.data else m.type for m in messages]
        messages.delete()
        return types

    since_last_time()
    return since_last_time


PAID_REFEREE = "balance.changed:referral_referee"
PAID_REFERRER = "balance.changed:referral_referrer"
TAKEN_BACK = "balance.changed:reversal"


def test_from_the_claim_to_the_reward(
    told: Callable[[], list[str]], noks_code: str, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    assert told() == ["attribution.made", PAID_REFEREE]

    back_end.report(ploy)
    assert told() == [
        "attribution.qualified",
        "attribution.rewarded",
        PAID_REFERRER,
        "balance.changed:reward",
    ]


def test_a_hold_and_its_release(
    told: Callable[[], list[str]], noks_code: str, ploy: Person, back_end: BackEnd
) -> None:
    TermsFactory(hold_days=1)
    invited(ploy, noks_code)
    back_end.report(ploy)
    assert "attribution.rewarded" not in told()

    release_due(now=timezone.now() + timedelta(days=2))
    assert told() == ["attribution.rewarded", PAID_REFERRER]


def test_what_is_held_and_then_accepted_or_rejected_and_opened_again(
    told: Callable[[], list[str]], noks_code: str, nok: Person, ploy: Person, mali: Person
) -> None:
    shared = Browser()
    shared.sign_in(nok).me()
    for person in (ploy, mali):
        shared.sign_in(person).claim(noks_code)
    assert told() == ["attribution.held", "attribution.held"]

    by_aree(corrections.approve, attribution_of(ploy))
    assert told() == ["attribution.made", PAID_REFEREE]

    by_aree(corrections.reject, attribution_of(mali))
    assert told() == ["attribution.rejected"]

    by_aree(corrections.reopen, attribution_of(mali))
    assert told() == ["attribution.restored"]


def test_a_reversal_a_restoral_a_move_and_its_undoing(
    told: Callable[[], list[str]], noks_code: str, ploy: Person, somchai: Person
) -> None:
    invited(ploy, noks_code)
    told()

    by_aree(corrections.reverse, attribution_of(ploy))
    assert told() == ["attribution.reversed", TAKEN_BACK]

    by_aree(corrections.restore, fresh(attribution_of(ploy)))
    assert told() == ["attribution.restored", TAKEN_BACK]

    other = ReferralCode.objects.get(code=code_of(somchai))
    told()
    old = attribution_of(ploy)
    by_aree(corrections.move_to_referrer, old, code=other)
    new = Attribution.objects.get(replaces=old)
    message = OutboxMessage.objects.get(type="attribution.made")
    assert (message.data["attribution"], message.data["replaces"]) == (str(new.pk), str(old.pk))
    assert sorted(told()) == sorted(
        ["attribution.reversed", "attribution.made", PAID_REFEREE, TAKEN_BACK]
    )

    by_aree(corrections.undo_move, fresh(new))
    assert sorted(told())[:2] == ["attribution.restored", "attribution.reversed"]


def test_an_attribution_by_hand(
    told: Callable[[], list[str]], noks_code: str, ploy: Person
) -> None:
    code = ReferralCode.objects.get(code=noks_code)
    by_aree(corrections.attribute_by_hand, user_of(ploy), code=code)

    assert told() == ["attribution.made", PAID_REFEREE]


def test_grants_spends_exchanges_and_their_reversal(
    told: Callable[[], list[str]], ploy: Person
) -> None:
    common = {"actor": "key:1", "now": timezone.now()}
    user_id = user_of(ploy).pk
    granted = rewards.grant(
        user_id=user_id, amounts=Amounts(stars=3, coins=100), kind="grant", key="g", **common
    )
    rewards.exchange(user_id=user_id, from_="coins", to="stars", units=1, key="e", **common)
    rewards.grant(
        user_id=user_id, amounts=Amounts(stars=3, coins=100), kind="grant", key="g", **common
    )
    rewards.reverse_transaction(transaction=granted, reason="x", key="r", claw_back=True, **common)

    assert told() == [
        "balance.changed:grant",
        "balance.changed:exchange",
        "balance.changed:reversal",
    ]


def test_what_an_erased_person_loses_is_told_too(
    told: Callable[[], list[str]], ploy: Person
) -> None:
    erase_user(clerk_id=ploy.clerk_id, now=timezone.now())

    assert told() == ["balance.changed:forfeit"]


def test_the_story_of_an_attribution_names_nobody_but_by_clerk_id(
    told: Callable[[], list[str]], noks_code: str, ploy: Person
) -> None:
    invited(ploy, noks_code)
    made = attribution_of(ploy)

    assert OutboxMessage.objects.get(type="attribution.made").data == {
        "attribution": str(made.pk),
        "status": "pending",
        "previous_status": None,
        "program": made.terms.program.slug,
        "referee_id": "user_ploy",
        "referrer_id": "user_nok",
        "referee_reward": made.terms.referee_amounts.as_dict(),
        "referrer_reward": made.terms.referrer_amounts.as_dict(),
        "claimed_at": made.claimed_at.isoformat().replace("+00:00", "Z"),
        "replaces": None,
    }


def test_the_balances_are_those_that_moved_as_they_stand_now(
    told: Callable[[], list[str]], ploy: Person
) -> None:
    before = balances(ploy)
    granted = rewards.grant(
        user_id=user_of(ploy).pk,
        amounts=Amounts(coins=7, stars=2),
        kind="grant",
        key="g",
        memo="For Ploy Suksan",
        actor="key:1",
        now=timezone.now(),
    )

    assert OutboxMessage.objects.get().data == {
        "user_id": "user_ploy",
        "transaction": str(granted.pk),
        "kind": "grant",
        "reference": "",
        "reverses": None,
        "amounts": {"stars": 2, "free_points": 0, "coins": 7, "exp": 0},
        "balances": {"stars": before.stars + 2, "coins": before.coins + 7},
    }


def test_a_preview_tells_nobody(
    told: Callable[[], list[str]], noks_code: str, ploy: Person
) -> None:
    invited(ploy, noks_code)
    told()

    rehearse(
        lambda: corrections.reverse(
            attribution_of(ploy), actor="staff:aree", reason="x", now=timezone.now()
        )
    )

    assert told() == []


def test_what_is_undone_is_not_told(told: Callable[[], list[str]], ploy: Person) -> None:
    with transaction.atomic():
        publish([Event("balance.changed", {})], now=timezone.now())
        with transaction.atomic():
            publish([Event("attribution.made", {})], now=timezone.now())
            transaction.set_rollback(True)

    assert list(OutboxMessage.objects.values_list("type", flat=True)) == ["balance.changed"]


def test_switched_off_nothing_is_written_and_no_query_is_spent(
    told: Callable[[], list[str]], noks_code: str, ploy: Person, mali: Person, settings: Any
) -> None:
    on = _statements(ploy, noks_code)
    settings.SVIX_TOKEN = ""
    told()

    off = _statements(mali, noks_code)

    assert told() == []
    # One for the move; for the payment, the balances and one.
    assert on - off == 3


def test_an_import_tells_nobody(told: Callable[[], list[str]], ploy: Person) -> None:
    with silenced(), transaction.atomic():
        publish([Event("balance.changed", {})], now=timezone.now())

    assert told() == []


@pytest.mark.django_db(transaction=True)
def test_of_two_messages_about_a_balance_the_higher_number_is_the_newer(ploy: Person) -> None:
    Browser().sign_in(ploy).me()
    user_id = user_of(ploy).pk

    def give(name: str) -> None:
        for n in range(10):
            currencies = Amounts(stars=1, **{name: 1})
            rewards.grant(
                user_id=user_id,
                amounts=currencies,
                kind="grant",
                key=f"{name}{n}",
                actor="key:1",
                now=timezone.now(),
            )

    at_once(partial(give, "coins"), partial(give, "exp"), partial(give, "free_points"))

    granted = OutboxMessage.objects.filter(data__kind="grant").order_by("sequence")
    balances_told = [message.data["balances"] for message in granted]
    stars = [told["stars"] for told in balances_told]
    assert stars == list(range(stars[0], stars[0] + 30))
    for currency in ("coins", "exp", "free_points"):
        amounts = [told[currency] for told in balances_told if currency in told]
        assert amounts == list(range(amounts[0], amounts[0] + 10))


def _statements(person: Person, code: str) -> int:
    browser = Browser().sign_in(person)
    browser.me()
    with CaptureQueriesContext(connection) as queries:
        assert browser.claim(code).status_code == 201
    return len(queries)


@pytest.mark.django_db(transaction=True)
def test_outside_of_a_transaction_nothing_is_published() -> None:
    with pytest.raises(transaction.TransactionManagementError):
        publish([Event("balance.changed", {})], now=timezone.now())
