"""Pay what the reward rules promise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rewards.models import Account, RewardRule, Transaction
from rewards.services.posting import Posting, from_house, post

KIND = "reward"


@dataclass(frozen=True, slots=True)
class Occasion:
    """A trigger has come for a user for the `count`-th time, of this day the `count_today`-th."""

    user_id: int
    trigger: str
    count: int
    count_today: int
    reference: str = ""


def pay_rules(
    *, user_id: int, trigger: str, count: int, now: datetime, reference: str = ""
) -> list[Transaction]:
    """Pay every rule in force for `trigger` whose threshold is exactly `count`.

    For what happens to a user on one day alone; see `pay_occasions`.
    """
    occasion = Occasion(user_id, trigger, count, count_today=count, reference=reference)
    return pay_occasions(occasions=[occasion], now=now)


def pay_occasions(*, occasions: Sequence[Occasion], now: datetime) -> list[Transaction]:
    """Pay every rule in force whose threshold an occasion reaches exactly, in two statements.

    A daily rule goes by the count of the day, any other by the count in all. Returns the
    transactions, none if no rule pays. A rule is paid to a user once (a daily one once a day, UTC),
    however often this is called and whatever staff made of its amounts meanwhile. Give each count
    once, under a lock on the user: a count that is skipped is not made up for.
    """
    rules = RewardRule.objects.in_force(now).filter(
        trigger__in={occasion.trigger for occasion in occasions},
        threshold__in={n for occasion in occasions for n in (occasion.count, occasion.count_today)},
    )
    paying = [rule for rule in rules.order_by("pk") if rule.amounts]
    postings = [
        _posting(rule, user_id=occasion.user_id, now=now, reference=occasion.reference)
        for occasion in occasions
        for rule in paying
        if _reaches(occasion, rule)
    ]
    by_key = {posting.key: posting for posting in postings}
    return post(list(by_key.values()), now=now) if by_key else []


def _reaches(occasion: Occasion, rule: RewardRule) -> bool:
    is_daily = rule.period == RewardRule.Period.DAILY
    count = occasion.count_today if is_daily else occasion.count
    return (rule.trigger, rule.threshold) == (occasion.trigger, count)


def key_of(rule: RewardRule, user_id: int) -> str:
    """Return the idempotency key of what a rule pays a user; a daily one adds the day."""
    return f"rule:{rule.pk}:{user_id}"


def _posting(rule: RewardRule, *, user_id: int, now: datetime, reference: str) -> Posting:
    key = key_of(rule, user_id)
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
