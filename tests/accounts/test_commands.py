"""`create_api_key` and `dev_token`."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.clerk.tokens import TokenExpired, verify_session_token
from accounts.development import DevelopmentIssuerOff, NameUnusable, issue_token
from accounts.models import ApiKey
from accounts.services import authenticate_api_key
from tests.settings import ISSUER_PRIVATE_KEY


def output(name: str, *options: str) -> str:
    out = StringIO()
    call_command(name, *options, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
class TestCreateApiKey:
    def test_the_key_stands_alone_on_the_last_line(self) -> None:
        out = output("create_api_key", "readings", "--scope", "events", "--scope", "rewards:grant")

        row = authenticate_api_key(key=out.splitlines()[-1], now=timezone.now())
        assert (row.name, row.scopes) == ("readings", ["events", "rewards:grant"])

    def test_json_is_one_object(self) -> None:
        made = json.loads(output("create_api_key", "readings", "--scope", "events", "--json"))

        assert set(made) == {"name", "key", "scopes"}
        assert (made["name"], made["scopes"]) == ("readings", ["events"])
        assert authenticate_api_key(key=made["key"], now=timezone.now())

    @pytest.mark.parametrize(
        "options", [["readings"], ["readings", "--scope", "all"], ["--scope", "events"], [""]]
    )
    def test_wrong_use_makes_nothing(self, options: list[str]) -> None:
        with pytest.raises(CommandError):
            output("create_api_key", *options)
        assert not ApiKey.objects.exists()

    @pytest.mark.parametrize("name", ["", "  ", "x" * 101, "NUL\x00"])
    def test_a_name_must_tell_something_and_fit(self, name: str) -> None:
        with pytest.raises(CommandError) as refusal:
            output("create_api_key", name, "--scope", "events")
        assert refusal.value.returncode == 2


class TestDevToken:
    @pytest.fixture(autouse=True)
    def _development(self, settings: Any) -> None:
        settings.DEBUG = True
        settings.DEVELOPMENT_ISSUER_KEY = ISSUER_PRIVATE_KEY

    def test_it_signs_in(self) -> None:
        claims = verify_session_token(output("dev_token", "Ploy").strip(), now=timezone.now())

        assert claims.clerk_id == "user_ploy"
        assert claims.profile.first_name == "Ploy"
        assert claims.profile.account_created_at

    def test_it_lasts_a_minute_unless_told(self) -> None:
        later = timezone.now() + timedelta(minutes=2)

        with pytest.raises(TokenExpired):
            verify_session_token(output("dev_token", "Ploy").strip(), now=later)
        longer = output("dev_token", "Ploy", "--minutes", "5").strip()
        assert verify_session_token(longer, now=later)

    def test_claims_are_set_and_dropped(self) -> None:
        options = ["--claim", "email=ploy@example.com", "--claim", "email_verified=true"]
        token = output("dev_token", "Ploy", *options, "--claim", "account_created_at=null").strip()

        profile = verify_session_token(token, now=timezone.now()).profile
        assert (profile.email, profile.email_verified) == ("ploy@example.com", True)
        assert profile.account_created_at is None

    @pytest.mark.parametrize("name", ["Nok the Inviter", "nok-the_inviter", " NOK  the inviter "])
    def test_a_name_makes_its_slug(self, name: str) -> None:
        token = issue_token(name=name, now=timezone.now())

        assert verify_session_token(token, now=timezone.now()).clerk_id == "user_nok_the_inviter"

    def test_a_name_without_letters_is_refused(self) -> None:
        with pytest.raises(NameUnusable):
            issue_token(name="!?", now=timezone.now())

    @pytest.mark.parametrize("options", [["--minutes", "0"], ["--minutes", "x"], ["--claim", "x"]])
    def test_wrong_options_are_refused(self, options: list[str]) -> None:
        with pytest.raises(CommandError):
            output("dev_token", "Ploy", *options)

    @pytest.mark.parametrize(
        "setting", [{"DEBUG": False}, {"DEVELOPMENT_ISSUER_KEY": ""}], ids=["no DEBUG", "no key"]
    )
    def test_it_refuses_outside_development(self, setting: dict[str, Any], settings: Any) -> None:
        for name, value in setting.items():
            setattr(settings, name, value)

        with pytest.raises(DevelopmentIssuerOff):
            issue_token(name="Ploy", now=timezone.now())
        with pytest.raises(CommandError) as refusal:
            output("dev_token", "Ploy")
        assert refusal.value.returncode == 2
