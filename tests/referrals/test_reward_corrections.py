"""Single rewards of an attribution are corrected on the ledger, and never against the attribution.

While it stands, one may be taken back and given again. Once it is reversed, what it took back stays
taken back, until the attribution itself is put right.
"""

from functools import partial
from typing import Any

import pytest
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.models import User
from accounts.services import create_api_key
from referrals.models import Attribution
from referrals.services.attributions import reverse_attribution
from referrals.services.proof import verify_attributions
from rewards import services as rewards
from rewards.amounts import Amounts
from rewards.models import Transaction
from rewards.services.corrections import reverse
from tests.parallel import race
from tests.people import Person
from tests.referrals.back_end import BackEnd
from tests.referrals.story import balances

WELCOME = Amounts(free_points=3)


def by_aree() -> dict[str, Any]:
    return {"actor": "staff:aree", "reason": "Complaint 17", "now": timezone.now()}


def undo(attribution: Attribution) -> Any:
    return reverse_attribution(attribution=attribution, **by_aree())


def noks_reward(attribution: Attribution, reversals: int = 0) -> Transaction:
    """Return Nok's reward, or the reversal of it, or the reversal of that, and so on."""
    found = Transaction.objects.get(idempotency_key=attribution.referrer_key)
    for _ in range(reversals):
        found = Transaction.objects.get(reverses=found)
    return found


@pytest.mark.django_db
def test_one_reward_of_a_standing_attribution_is_taken_back_and_given_again(
    rewarded: Attribution, nok: Person
) -> None:
    for reversals in range(4):
        reverse(noks_reward(rewarded, reversals), **by_aree())
        coins = 50 if reversals % 2 else 0
        assert balances(nok) == WELCOME + Amounts(coins=coins)
        assert verify_attributions() == []


@pytest.mark.django_db
def test_what_its_reversal_took_back_is_not_given_again_on_the_ledger(
    rewarded: Attribution, nok: Person
) -> None:
    undo(rewarded)
    with pytest.raises(rewards.OwnedElsewhere, match="attribution that is reversed"):
        reverse(noks_reward(rewarded, 1), **by_aree())
    assert balances(nok) == WELCOME
    assert verify_attributions() == []


@pytest.mark.django_db
def test_nor_is_what_staff_had_taken_back_before_it_was_reversed(
    rewarded: Attribution, nok: Person
) -> None:
    reverse(noks_reward(rewarded), **by_aree())
    undo(rewarded)
    with pytest.raises(rewards.OwnedElsewhere):
        reverse(noks_reward(rewarded, 1), **by_aree())
    assert verify_attributions() == []


@pytest.mark.django_db
def test_a_service_is_refused_it_too(rewarded: Attribution) -> None:
    undo(rewarded)
    reversal = noks_reward(rewarded, 1)
    _, key = create_api_key(name="shop", scopes=["rewards:grant"], now=timezone.now())
    answer = BackEnd(key).post(
        f"rewards/transactions/{reversal.pk}/reverse",
        {"reason": "Again"},
        **{"Idempotency-Key": "again"},
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "owned_elsewhere")


@pytest.mark.django_db
def test_what_is_no_attributions_is_asked_of_nobody(noks_code: str) -> None:
    user = User.objects.get(clerk_id="user_nok")
    given = rewards.grant(
        user_id=user.pk, amounts=Amounts(5), kind="k", key=str(uuid7()), now=timezone.now()
    )
    reverse(given, **by_aree())
    reverse(Transaction.objects.get(reverses=given), **by_aree())
    assert rewards.balances_of(user.pk) == WELCOME + Amounts(5)


@pytest.mark.django_db(transaction=True)
def test_a_reward_is_given_again_while_the_attribution_is_reversed(
    rewarded: Attribution, nok: Person
) -> None:
    """Whoever comes first: afterwards the ledger says what the attribution says."""
    reverse(noks_reward(rewarded), **by_aree())
    again = partial(reverse, noks_reward(rewarded, 1), **by_aree())

    given, undone = race([again, partial(undo, rewarded)])

    assert type(given).__name__ in {"Effect", "OwnedElsewhere"}
    assert isinstance(undone, Attribution)
    assert balances(nok) == WELCOME
    assert verify_attributions() == []
