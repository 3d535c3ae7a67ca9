"""Pay what the reward rules promise."""

from datetime import UTC, datetime

from rewards.models import Account, RewardRule, Transaction
from rewards.services.posting import Posting, from_house, post

KIND = "reward"


def pay_rules(
    *, user_id: int, trigger: str, count: int, now: datetime, reference: str = ""
) -> list[Transaction]:
    """Pay every rule in force for `trigger` whose threshold is exactly `count`.

    Returns the transactions, none if no rule pays. A rule is paid to a user once (a daily one once
    a day, UTC), however often this is called and whatever staff made of its amounts meanwhile. Give
    each count once, under a lock on the user: a count that is skipped is not made up for.
    """
    rules = RewardRule.objects.filter(trigger=trigger, threshold=count).in_force(now)
    postings = [
        _posting(rule, user_id=user_id, now=now, reference=reference)
        for rule in rules.order_by("pk")
        if rule.amounts
    ]
    return post(postings, now=now) if postings else []


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
