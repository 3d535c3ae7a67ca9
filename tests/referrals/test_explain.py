"""`explain`: why somebody was attributed to whom, or to nobody, in words."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.services import erase_user
from referrals.models import Capture
from referrals.services.attributions import reverse_attribution
from referrals.services.story import story_of
from tests.people import Browser, Person, newcomer
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, invited, user_of
from tests.statements import statements

pytestmark = pytest.mark.django_db


def explained(person: Person) -> list[str]:
    out = StringIO()
    call_command("explain", person.clerk_id, stdout=out)
    return out.getvalue().splitlines()


def texts(person: Person) -> list[str]:
    """Return the lines without summary and times."""
    return [line[23:] for line in explained(person)[1:]]


def test_the_whole_way_is_told_in_order(noks_code: str, ploy: Person, back_end: BackEnd) -> None:
    browser = Browser()
    browser.open_link(noks_code)
    browser.sign_in(ploy).claim()
    back_end.report(ploy)

    told = texts(ploy)

    assert explained(ploy)[0] == "Attributed to Nok (user_nok): rewarded."
    assert told[0] == "Clerk made the account."
    for earlier, later in zip(
        ("Opened", "Seen here for", "Signed in on device", "Claim of", "web app reported"),
        ("Seen here for", "Signed in on device", "Claim of", "web app reported", "qualified →"),
        strict=True,
    ):
        first, second = (
            next(n for n, line in enumerate(told) if line.startswith(begins))
            for begins in (earlier, later)
        )
        assert first < second, told
    assert f"Claim of {noks_code} of Nok (user_nok): accepted." in told
    assert "Nok (user_nok): +50 coins. Reward for inviting a friend" in told
    assert "Ploy (user_ploy): +1 stars. Reward for accepting an invitation" in told


def test_a_refusal_is_told_with_its_reason(noks_code: str) -> None:
    old = newcomer("Tom", age_seconds=30 * 86400)
    Browser().sign_in(old).claim(noks_code)

    assert explained(old)[0] == (
        "Attributed to nobody: The account was 30 days old; the window is 7 days."
    )
    assert any("refused (not_new_account)" in line for line in texts(old))


def test_what_is_held_says_what_for(noks_code: str) -> None:
    mali = newcomer("Mali", email="mali@mailinator.com")
    invited(mali, noks_code)

    assert explained(mali)[0] == "Attributed to Nok (user_nok): held."
    assert any("disposable domain" in line for line in texts(mali))


def test_an_invitation_that_expired_is_told(noks_code: str, ploy: Person) -> None:
    browser = Browser().sign_in(ploy)
    browser.open_link(noks_code)
    Capture.objects.update(expires_at=timezone.now())

    assert explained(ploy)[0].endswith("an invitation was opened, and none was claimed.")
    assert any(line.endswith("expired unclaimed.") for line in texts(ploy))


def test_somebody_nobody_invited_is_told_so(ploy: Person) -> None:
    Browser().sign_in(ploy).me()

    assert explained(ploy)[0].endswith("no invitation was opened and no code was claimed.")


def test_a_reversal_is_told_with_who_and_why(
    noks_code: str, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    reverse_attribution(
        attribution=attribution_of(ploy),
        actor="staff:aree",
        reason="One person twice",
        now=timezone.now(),
    )

    assert explained(ploy)[0] == "Attributed to nobody: the attribution was reversed."
    assert "pending → reversed, by staff:aree: One person twice" in texts(ploy)


def test_an_erased_person_has_no_more_to_tell_than_that(noks_code: str, ploy: Person) -> None:
    invited(ploy, noks_code)
    erase_user(clerk_id=ploy.clerk_id, now=timezone.now())

    assert explained(ploy)[0] == "The account has been deleted."
    assert not any("Ploy" in line for line in explained(ploy))


def test_as_json_it_is_one_object(noks_code: str, ploy: Person) -> None:
    invited(ploy, noks_code)
    out = StringIO()

    call_command("explain", ploy.clerk_id, "--json", stdout=out)

    told: dict[str, Any] = json.loads(out.getvalue())
    assert told["summary"] == "Attributed to Nok (user_nok): pending."
    assert told["status"] == "pending"
    assert {"at", "text"} == set(told["story"][0])


def test_an_unknown_user_is_an_error_that_says_so(db: None) -> None:
    with pytest.raises(CommandError, match="Nobody has the Clerk id user_nobody"):
        call_command("explain", "user_nobody")


def test_a_longer_story_costs_no_more(noks_code: str, ploy: Person, back_end: BackEnd) -> None:
    invited(ploy, noks_code)

    def cost() -> int:
        with statements() as sent:
            story_of(user=user_of(ploy), now=timezone.now())
        return len(sent)

    short = cost()
    for _ in range(5):
        back_end.report(ploy)
        Browser().sign_in(ploy).claim("NOSUCHCODE")

    assert cost() == short
