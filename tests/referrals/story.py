"""Shorthand for what stands in the database after somebody did something over the API."""

from typing import Any

from accounts.models import User
from referrals.models import Attribution, Capture, Decision
from rewards.amounts import Amounts
from rewards.services import balances_of
from tests.people import Browser, Person


def user_of(person: Person) -> User:
    return User.objects.get(clerk_id=person.clerk_id)


def attribution_of(person: Person) -> Attribution:
    """Return the latest attribution that `person` received."""
    return Attribution.objects.filter(referee=user_of(person)).latest("claimed_at")


def decision_on(person: Person) -> Decision:
    """Return the latest decision on a claim of `person`."""
    return Decision.objects.filter(referee=user_of(person)).latest("id")


def open_captures_of(person: Person) -> list[str]:
    return sorted(c.code.code for c in Capture.objects.open().filter(user=user_of(person)))


def balances(person: Person) -> Amounts:
    return balances_of(user_of(person).pk)


def code_of(person: Person, **kwargs: Any) -> str:
    """Return the referral code of `person`, who has a browser of their own."""
    return str(Browser(**kwargs).sign_in(person).me()["referral_code"])


def invited(person: Person, code: str) -> Browser:
    """Return the browser in which `person` opened `code` and claimed it."""
    browser = Browser().sign_in(person)
    response = browser.claim(code)
    assert response.status_code == 201, response.content
    return browser


def timeline(attribution: Attribution) -> list[tuple[str, str]]:
    return list(attribution.timeline.values_list("from_status", "to_status"))


def verdicts(decision: Decision) -> dict[str, str]:
    return {e["rule"]: e["verdict"] for e in decision.evaluations}
