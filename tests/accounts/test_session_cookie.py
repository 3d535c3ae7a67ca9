"""The `__session` cookie signs in only where it is switched on, and only one's own web app."""

from typing import Any

import pytest

from accounts.models import User
from tests.accounts.requests import assert_problem, call
from tests.clerk import session_token
from tests.settings import APP_ORIGIN

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("accounts_alone")]


@pytest.fixture
def switched_on(settings: Any) -> None:
    settings.CLERK_COOKIE_AUTH = True


def cookie(**token: Any) -> dict[str, Any]:
    return {"cookies": {"__session": session_token("user_ploy", **token)}}


def test_it_counts_for_nothing_unless_switched_on() -> None:
    assert call("public", **cookie()).json() == {"caller": None}
    assert call("public", cookies={"__session": "rubbish"}).status_code == 200


@pytest.mark.usefixtures("switched_on")
class TestSwitchedOn:
    def test_it_signs_in(self) -> None:
        assert call("person", **cookie()).json()["clerk_id"] == "user_ploy"

    def test_a_bad_one_is_refused(self) -> None:
        response = call("public", cookies={"__session": "rubbish"})
        assert_problem(response, 401, "token_invalid")

    def test_the_header_wins(self) -> None:
        response = call("person", token=session_token("user_mali"), **cookie())
        assert response.json()["clerk_id"] == "user_mali"

    def test_an_api_key_is_not_mixed_with_it(self) -> None:
        assert_problem(call("public", key="mimi_none", **cookie()), 401, "api_key_invalid")

    @pytest.mark.parametrize("origin", [APP_ORIGIN, "http://testserver"])
    def test_it_may_write_from_the_web_app(self, origin: str) -> None:
        response = call("person", method="POST", headers={"Origin": origin}, **cookie())
        assert response.status_code == 200

    @pytest.mark.parametrize(
        "origin", [None, "", "null", "https://evil.example.com", APP_ORIGIN + "/"]
    )
    def test_it_may_not_write_from_elsewhere(self, origin: str | None) -> None:
        headers = {} if origin is None else {"Origin": origin}
        response = call("person", method="POST", headers=headers, **cookie())
        assert_problem(response, 401, "token_invalid")
        assert not User.objects.exists()

    def test_it_may_not_write_without_azp(self) -> None:
        sent = cookie(without=("azp",))
        headers = {"Origin": APP_ORIGIN}
        assert_problem(call("person", method="POST", headers=headers, **sent), 401, "token_invalid")
        assert call("person", **sent).status_code == 200
