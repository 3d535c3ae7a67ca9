"""Staff decide many held attributions at once: shown first, done as shown, all or none."""

from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.services import erase_user
from backoffice.rehearsal import PreviewStale, carry_out, rehearse
from referrals.models import Attribution
from referrals.services import corrections
from referrals.services.corrections import decide_held
from referrals.services.story import invitation
from rewards.amounts import Amounts
from rewards.services.effects import Effect
from tests.people import newcomer
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, balances, invited

pytestmark = pytest.mark.django_db

WELCOME = Amounts(free_points=3)
GUESTS = [newcomer(name, email=f"{name}@mailinator.com") for name in ("Ploy", "Mali", "Somchai")]


@pytest.fixture
def held(noks_code: str) -> list[Attribution]:
    """Ploy, Mali and Somchai by Nok, each held for a disposable mailbox."""
    for guest in GUESTS:
        invited(guest, noks_code)
    return [attribution_of(guest) for guest in GUESTS]


def decide(attributions: list[Attribution], decision: Any) -> Effect:
    return decide_held(
        attributions, decision=decision, actor="staff:aree", reason="Known", now=timezone.now()
    )


def statuses() -> list[str]:
    return list(Attribution.objects.order_by("pk").values_list("status", flat=True))


def test_approving_many_pays_each_and_tells_every_line(
    held: list[Attribution], back_end: BackEnd
) -> None:
    back_end.report(GUESTS[0])

    effect = decide(held, "approve")

    assert statuses() == ["rewarded", "pending", "pending"]
    assert [balances(guest).stars for guest in GUESTS] == [1, 1, 1]
    paid = [(line.who, line.amount) for line in effect.lines if line.account == "their own"]
    assert sorted(paid) == [
        *(
            ("Mali (user_mali)", 1),
            ("Nok (user_nok)", 50),
            ("Ploy (user_ploy)", 1),
            ("Somchai (user_somchai)", 1),
        ),
    ]
    assert "Invitation of Mali (user_mali) by Nok (user_nok): Held → Pending" in effect.moves


def test_rejecting_many_pays_nobody(held: list[Attribution]) -> None:
    effect = decide(held, "reject")

    assert statuses() == ["rejected"] * 3
    assert (effect.lines, len(effect.moves)) == ((), 3)


def test_what_is_no_longer_held_or_gone_is_named_as_left_out(held: list[Attribution]) -> None:
    ploys, malis, _ = held
    corrections.reject(attribution=ploys, actor="staff:x", reason="No", now=timezone.now())
    User.objects.filter(clerk_id="user_mali").update(banned_at=timezone.now())

    effect = decide(held, "approve")

    assert statuses() == ["rejected", "held", "pending"]
    left_out = [move for move in effect.moves if "left out" in move]
    assert left_out == [
        f"{invitation(ploys)}: left out. It is rejected, not to be pending.",
        f"{invitation(malis)}: left out. The invited person's account is deleted or banned.",
    ]


def test_a_decision_is_done_as_it_was_shown_or_not_at_all(held: list[Attribution]) -> None:
    seen = rehearse(partial(decide, held, "approve")).digest
    assert statuses() == ["held"] * 3
    erase_user(clerk_id="user_ploy", now=timezone.now())

    with pytest.raises(PreviewStale) as stale:
        carry_out(partial(decide, held, "approve"), seen=seen)

    assert statuses() == ["rejected", "held", "held"]
    carry_out(partial(decide, held, "approve"), seen=stale.value.effect.digest)
    assert statuses() == ["rejected", "pending", "pending"]
