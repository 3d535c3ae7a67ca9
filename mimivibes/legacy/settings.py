"""What the old system promised, and at what rates, beside what counts here; nothing is changed."""

from mimivibes.legacy.importing import Import
from mimivibes.legacy.quirks import amounts_promised, json_of, strictly_whole
from mimivibes.legacy.source import Row, Source
from mimivibes.legacy.statements import RATES, REWARDS
from referrals.models import ProgramTerms
from rewards.amounts import Amounts
from rewards.models import ExchangeRate, RewardRule
from rewards.wording import in_words

INVITER = "REFERRAL_INVITER"
INVITED = "REFERRAL_INVITED"
RULES = {
    "NEW_USER_REWARDS": ("user.provisioned", 1),
    "FIRST_READING": ("reading.completed", 1),
    "READING_MILESTONE_10": ("reading.completed", 10),
    "READING_MILESTONE_50": ("reading.completed", 50),
    "READING_MILESTONE_100": ("reading.completed", 100),
    "DAILY_LOGIN": ("user.active", 1),
}


def promised_to_inviters(source: Source) -> Amounts | None:
    """Return what the old system promised an inviter; None if its row is missing or unreadable.

    A row that is off promises nothing.
    """
    for row in source.rows(REWARDS):
        if row["name"] == INVITER:
            return _promised(row) if row["is_active"] else Amounts()
    return None


def compare_settings(run: Import) -> None:
    """Put into the report each reward and rate there, what it is here, and if they differ."""
    for row in run.source.rows(REWARDS):
        run.report.count("settings", "read")
        there = _promised(row)
        told = "unreadable" if there is None else _told(there, is_on=row["is_active"])
        _compare(run, row["name"], told, _here(run, row["name"]))
    for row in run.source.rows(RATES):
        run.report.count("settings", "read")
        _compare(run, f"{row['exchange_type']} to {row['item']}", _rate(row), _rate_here())


def _promised(row: Row) -> Amounts | None:
    rewards = json_of(row["rewards"], row=row["name"], note=lambda quirk, id_: None)
    return amounts_promised(rewards)


def _compare(run: Import, name: str, there: str, here: str) -> None:
    verdict = "The same." if there == here else "DIFFERENT: decide which is meant."
    run.report.settings.append({"name": name, "there": there, "here": here, "verdict": verdict})


def _here(run: Import, name: str) -> str:
    if name in {INVITER, INVITED}:
        terms = ProgramTerms.objects.filter(program__is_default=True).in_force(run.now).first()
        if terms is None:
            return "no terms in force"
        amounts = terms.referrer_amounts if name == INVITER else terms.referee_amounts
        return _told(amounts, is_on=True)
    if name not in RULES:
        return "no such rule"
    trigger, threshold = RULES[name]
    rule = RewardRule.objects.filter(trigger=trigger, threshold=threshold).order_by("pk").first()
    return _told(rule.amounts, is_on=rule.is_active) if rule else "no such rule"


def _rate(row: Row) -> str:
    price = strictly_whole(row["price"])
    told = "unreadable" if price is None or price < 1 else f"{price} coins for 1 star"
    return told if row["is_active"] else f"{told} (off)"


def _rate_here() -> str:
    rate = ExchangeRate.objects.filter(
        from_currency="coins", to_currency="stars", is_active=True
    ).first()
    return f"{rate.price} coins for 1 star" if rate else "no rate"


def _told(amounts: Amounts, *, is_on: bool) -> str:
    told = in_words(amounts) if amounts else "nothing"
    return told if is_on else f"{told} (off)"
