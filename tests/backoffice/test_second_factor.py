"""The second factor: set up by oneself, asked for at the door, good once, lost and reset."""

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from backoffice.sign_in.second_factor import secret_in_words
from tests.backoffice.door import (
    PAGE,
    PASSWORD,
    browser_of,
    code_of_app,
    hired,
    is_let_in,
    knock,
    set_up,
)
from tests.parallel import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def aree(db: Any) -> User:
    return hired()


@pytest.fixture
def signed_in(aree: User) -> Client:
    return browser_of(aree)


@pytest.fixture
def backup_codes(signed_in: Client, aree: User) -> list[str]:
    """Aree has a second factor, and these codes on paper."""
    return set_up(signed_in, aree)


def wait_over(user: User) -> None:
    """Let the wait after a wrong code pass."""
    TOTPDevice.objects.filter(user=user).update(throttling_failure_timestamp=None)


def told(response: Any) -> str:
    return " ".join(response.context["form"].non_field_errors())


def logged() -> list[str]:
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("id")]


def test_nobody_needs_one_unless_it_is_required(signed_in: Client) -> None:
    assert signed_in.get("/admin/").status_code == 200
    assert "Your password alone signs you in" in signed_in.get(PAGE).content.decode()


def test_it_is_set_up_with_a_picture_or_by_hand(signed_in: Client, aree: User) -> None:
    signed_in.post(f"{PAGE}begin/")

    page = signed_in.get(PAGE)

    secret = secret_in_words(TOTPDevice.objects.get(user=aree))
    assert secret in page.content.decode()
    assert 'src="data:image/svg+xml' in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_until_a_code_confirms_it_the_password_is_enough(signed_in: Client) -> None:
    signed_in.post(f"{PAGE}begin/")
    signed_in.post(f"{PAGE}confirm/", {"code": "000000"})

    assert is_let_in(knock())


def test_a_wrong_code_confirms_nothing_and_says_so(signed_in: Client, aree: User) -> None:
    signed_in.post(f"{PAGE}begin/")

    page = signed_in.post(f"{PAGE}confirm/", {"code": "000000"})

    assert "This code is wrong" in told(page)
    assert not TOTPDevice.objects.filter(user=aree, confirmed=True).exists()


def test_once_set_up_password_and_code_are_needed(aree: User, backup_codes: list[str]) -> None:
    assert not is_let_in(knock())
    assert not is_let_in(knock(code="000000"))
    wait_over(aree)
    assert not is_let_in(knock(password="wrong", code=code_of_app(aree, steps_ahead=1)))
    assert is_let_in(knock(code=code_of_app(aree, steps_ahead=1)))


def test_a_code_may_be_typed_as_the_app_shows_it(aree: User, backup_codes: list[str]) -> None:
    code = code_of_app(aree, steps_ahead=1)

    assert is_let_in(knock(code=f" {code[:3]} {code[3:]} "))


def test_a_code_is_good_once(aree: User, backup_codes: list[str]) -> None:
    code = code_of_app(aree, steps_ahead=1)

    assert is_let_in(knock(code=code))
    assert not is_let_in(knock(code=code))


def test_the_code_that_confirmed_it_does_not_sign_in(aree: User, signed_in: Client) -> None:
    signed_in.post(f"{PAGE}begin/")
    code = code_of_app(aree)
    signed_in.post(f"{PAGE}confirm/", {"code": code})

    assert not is_let_in(knock(code=code))


@pytest.mark.django_db(transaction=True)
def test_a_code_is_good_once_though_two_use_it_at_the_same_moment(aree: User) -> None:
    set_up(browser_of(aree), aree)
    code = code_of_app(aree, steps_ahead=1)

    outcomes = at_once(*[lambda: is_let_in(knock(code=code))] * 3)

    assert sorted(outcomes) == [False, False, True]


def test_after_a_wrong_code_the_right_one_has_to_wait(aree: User, backup_codes: list[str]) -> None:
    """Whoever has the password cannot try all codes, from however many addresses."""
    knock(code="000000", address="198.51.100.1")
    knock(code="000001", address="198.51.100.2")
    device = TOTPDevice.objects.get(user=aree)
    assert device.throttling_failure_count >= 1

    assert not is_let_in(knock(code=code_of_app(aree, steps_ahead=1)))
    wait_over(aree)
    assert is_let_in(knock(code=code_of_app(aree, steps_ahead=1)))


def test_a_backup_code_signs_in_once(aree: User, backup_codes: list[str]) -> None:
    assert is_let_in(knock(code=backup_codes[0].upper()))
    assert not is_let_in(knock(code=backup_codes[0]))
    assert StaticToken.objects.filter(device__user=aree).count() == len(backup_codes) - 1


def test_a_forgotten_code_makes_nobody_wait(aree: User, backup_codes: list[str]) -> None:
    assert not is_let_in(knock())

    assert is_let_in(knock(code=backup_codes[0]))


def test_a_password_that_somebody_else_may_have_is_in_the_log(
    aree: User, backup_codes: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    knock(code="000000")

    assert f"The password of staff account {aree.pk} came without a good code." in caplog.text


def test_one_persons_codes_are_worth_nothing_to_another(backup_codes: list[str]) -> None:
    chai = User.objects.create_user("chai", PASSWORD)
    set_up(browser_of(chai), chai)

    assert not is_let_in(knock("chai", code=backup_codes[0]))


def test_new_backup_codes_take_the_place_of_the_old(
    signed_in: Client, aree: User, backup_codes: list[str]
) -> None:
    page = signed_in.post(f"{PAGE}backup-codes/", {"code": code_of_app(aree, steps_ahead=1)})

    assert is_let_in(knock(code=page.context["codes"][0]))
    assert not is_let_in(knock(code=backup_codes[0]))


def test_it_is_switched_off_by_a_code_alone(
    signed_in: Client, aree: User, backup_codes: list[str]
) -> None:
    refused = signed_in.post(f"{PAGE}switch-off/", {"code": "000000"})
    assert "This code is wrong" in told(refused)
    assert not is_let_in(knock())

    signed_in.post(f"{PAGE}switch-off/", {"code": backup_codes[0]})
    assert is_let_in(knock())


def test_switching_it_on_signs_out_everywhere_else(signed_in: Client, aree: User) -> None:
    """A session that somebody opened with the password alone does not outlive it."""
    elsewhere = browser_of(aree)
    somebody_else = browser_of(User.objects.create_user("chai", PASSWORD))

    set_up(signed_in, aree)

    assert signed_in.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/").status_code == 302
    assert somebody_else.get("/admin/").status_code == 200


def test_secret_and_codes_are_shown_on_no_page_afterwards(
    signed_in: Client, aree: User, backup_codes: list[str]
) -> None:
    User.objects.filter(pk=aree.pk).update(is_superuser=True)
    device = TOTPDevice.objects.get(user=aree)
    secrets = {secret_in_words(device), secret_in_words(device).replace(" ", ""), device.key}
    pages = [
        PAGE,
        "/admin/",
        f"/admin/accounts/user/{aree.pk}/change/",
        f"/admin/accounts/user/{aree.pk}/history/",
        "/admin/backoffice/secondfactor/",
        f"/admin/backoffice/secondfactor/{device.pk}/change/",
    ]

    for address in pages:
        page = signed_in.get(address)
        assert page.status_code == 200
        for secret in {*secrets, *backup_codes}:
            assert secret not in page.content.decode()
    assert signed_in.get(f"/admin/otp_totp/totpdevice/{device.pk}/change/").status_code == 404
    assert signed_in.get("/admin/otp_static/staticdevice/").status_code == 404


def test_no_log_line_tells_a_secret_or_a_code(
    signed_in: Client, aree: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    codes = set_up(signed_in, aree)
    knock(code=codes[0])
    knock(code="000000")

    for secret in (*codes, TOTPDevice.objects.get(user=aree).key, PASSWORD):
        assert secret not in caplog.text


def test_what_somebody_did_to_their_own_is_in_the_admins_log(
    signed_in: Client, aree: User, backup_codes: list[str]
) -> None:
    signed_in.post(f"{PAGE}backup-codes/", {"code": backup_codes[0]})
    signed_in.post(f"{PAGE}switch-off/", {"code": code_of_app(aree, steps_ahead=1)})

    assert logged() == [
        "Switched the second factor on.",
        "Made new backup codes.",
        "Switched the second factor off.",
    ]


def test_a_second_secret_is_not_begun_while_one_is_in_use(
    signed_in: Client, aree: User, backup_codes: list[str]
) -> None:
    signed_in.post(f"{PAGE}begin/")

    assert TOTPDevice.objects.filter(user=aree).count() == 1


@pytest.fixture
def boss(db: Any) -> Client:
    return browser_of(User.objects.create_superuser("boss", PASSWORD))


def test_a_superuser_resets_a_lost_one(
    boss: Client, signed_in: Client, aree: User, backup_codes: list[str]
) -> None:
    device = TOTPDevice.objects.get(user=aree)

    boss.post(
        "/admin/backoffice/secondfactor/", {"action": "reset", "_selected_action": [device.pk]}
    )

    assert signed_in.get("/admin/").status_code == 302
    assert is_let_in(knock())
    assert logged()[-1] == "Reset."


def test_the_only_superuser_is_helped_by_a_command(
    signed_in: Client, aree: User, backup_codes: list[str]
) -> None:
    out = StringIO()
    call_command("reset_second_factor", "aree", "--json", stdout=out)

    assert json.loads(out.getvalue()) == {"username": "aree", "reset": True}
    assert signed_in.get("/admin/").status_code == 302
    assert is_let_in(knock())


def test_the_command_names_whom_it_does_not_know() -> None:
    with pytest.raises(CommandError, match="nobody_at_all"):
        call_command("reset_second_factor", "nobody_at_all")


def test_where_it_is_required_staff_set_it_up_before_anything_else(
    signed_in: Client, aree: User, settings: Any
) -> None:
    settings.ADMIN_SECOND_FACTOR_REQUIRED = True

    for address in ("/admin/", "/admin/referrals/attribution/", "/admin/password_change/"):
        assert signed_in.get(address)["Location"] == PAGE
        assert signed_in.post(address)["Location"] == PAGE
    assert signed_in.get(PAGE).status_code == 200

    set_up(signed_in, aree)
    assert signed_in.get("/admin/").status_code == 200


def test_where_it_is_required_who_has_one_notices_nothing(
    aree: User, backup_codes: list[str], settings: Any
) -> None:
    settings.ADMIN_SECOND_FACTOR_REQUIRED = True
    client = Client()

    assert is_let_in(knock(code=backup_codes[0], client=client))
    assert client.get("/admin/").status_code == 200


def test_where_it_is_required_strangers_are_sent_to_the_door(settings: Any, db: Any) -> None:
    settings.ADMIN_SECOND_FACTOR_REQUIRED = True

    assert Client().get("/admin/")["Location"].startswith("/admin/login/")


def test_where_it_is_required_switching_it_off_leaves_no_session_without_one(
    aree: User, signed_in: Client, backup_codes: list[str], settings: Any
) -> None:
    settings.ADMIN_SECOND_FACTOR_REQUIRED = True
    elsewhere = Client()
    assert is_let_in(knock(code=backup_codes[0], client=elsewhere))

    signed_in.post(f"{PAGE}switch-off/", {"code": backup_codes[1]})

    assert elsewhere.get("/admin/")["Location"].startswith("/admin/login/")
    assert signed_in.get("/admin/")["Location"] == PAGE
