"""`explain`: why somebody was attributed to whom, or to nobody, in words on the command line."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.people import Browser, Person, newcomer
from tests.referrals.back_end import BackEnd
from tests.referrals.story import attribution_of, invited

pytestmark = pytest.mark.django_db


def explained(person: Person, *options: str) -> str:
    out = StringIO()
    call_command("explain", person.clerk_id, *options, stdout=out)
    return out.getvalue()


def test_the_answer_comes_first_then_who_then_the_story(
    noks_code: str, ploy: Person, back_end: BackEnd
) -> None:
    invited(ploy, noks_code)
    back_end.report(ploy)

    lines = explained(ploy).splitlines()

    assert lines[0].startswith("Ploy was invited by Nok with ")
    assert lines[0].endswith("Both were rewarded: Ploy +1 star, Nok +50 coins.")
    assert lines[1] == "  person: Ploy (user_ploy)"
    assert lines[2] == f"  inviter: Nok (user_nok), code {noks_code}"
    assert str(attribution_of(ploy).pk) in lines[3]
    assert lines[4].endswith("Ploy’s account was made. [Clerk]")
    assert any(line.endswith("Nok was given 50 coins. [the system]") for line in lines)


def test_every_rule_that_did_not_pass_is_told_and_no_other(noks_code: str) -> None:
    old = newcomer("Tom", age_seconds=30 * 86400, email="tom@mailinator.com")
    Browser().sign_in(old).claim(noks_code)

    told = explained(old)

    assert "The account is new: failed. The account was 30 days old" in told
    assert "needs a look. The e-mail address is of a disposable domain." in told
    assert "The code is in use" not in told


def test_as_json_it_is_one_object_with_the_same_story(noks_code: str) -> None:
    mali = newcomer("Mali", email="mali@mailinator.com")
    invited(mali, noks_code)

    told: dict[str, Any] = json.loads(explained(mali, "--json"))

    assert told["summary"] == explained(mali).splitlines()[0]
    assert (told["status"], told["referrer"], told["clerk_id"]) == ("held", "user_nok", "user_mali")
    assert told["attribution"] == str(attribution_of(mali).pk)
    assert set(told["story"][0]) == {"at", "text", "by", "details", "rules"}
    rules = [rule for moment in told["story"] for rule in moment["rules"]]
    assert [(rule["rule"], rule["verdict"]) for rule in rules] == [("mailbox_is_lasting", "review")]


def test_an_unknown_user_is_an_error_that_says_so(db: None) -> None:
    with pytest.raises(CommandError, match="Nobody has the Clerk id user_nobody"):
        call_command("explain", "user_nobody")
