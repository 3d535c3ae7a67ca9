"""Pay what the reward rules promise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rewards.models import Account, RewardRule, Transaction
from rewards.services.posting import Posting, from_house, post

KIND = "reward"


@dataclass(frozen=True, slots=True)
class Occasion:
    """A trigger has come for a user for the `count`-th time."""

    user_id: int
    trigger: str
    count: int
    reference: str = ""


def pay_rules(
    *, user_id: int, trigger: str, count: int, now: datetime, reference: str = ""
) -> list[Transaction]:
    """Pay every rule in force for `trigger` whose threshold is exactly `count`.

    Returns the transactions, none if no rule pays. A rule is paid to a user once (a daily one once
    a day, UTC), however often this is called and whatever staff made of its amounts meanwhile. Give
    each count once, under a lock on the user: a count that is skipped is not made up for.
    """
    return pay_occasions(occasions=[Occasion(user_id, trigger, count, reference)], now=now)


def pay_occasions(*, occasions: Sequence[Occasion], now: datetime) -> list[Transaction]:
    """Do what `pay_rules` does for many occasions, in two statements however many they are."""
    rules = RewardRule.objects.in_force(now).filter(
        trigger__in={occasion.trigger for occasion in occasions},
        threshold__in={occasion.count for occasion in occasions},
    )
    by_occasion: dict[tuple[str, int], list[RewardRule]] = {}
    for rule in rules.order_by("pk"):
        if rule.amounts:
            by_occasion.setdefault((rule.trigger, rule.threshold), []).append(rule)
    postings = {
        posting.key: posting
        for occasion in occasions
        for rule in by_occasion.get((occasion.trigger, occasion.count), [])
        for posting in [
            _posting(rule, user_id=occasion.user_id, now=now, reference=occasion.reference)
        ]
    }
    return post(list(postings.values()), now=now) if postings else []


def _posting(rule: RewardRule, *, user_id: int, now: datetime, reference: str) -> Posting:
    key = f"rule:{rule.pk}:{user_id}"
    if rule.period == RewardRule.Period.DAILY:
        key = f"{key}:{now.astimezone(UTC).date()}"
    return Posting(
        user_id=user_id,
        kind=KIND,
        key=key,
        lines=from_house(Account.ISSUED, rule.amounts),
        reference=reference,
        memo=rule.name,
        content=["rule", rule.pk],
    )
