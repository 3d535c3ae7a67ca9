"""A second factor for staff: an authenticator app (TOTP, RFC 6238) and backup codes.

Codes are django-otp's work: each is good once, checked under a lock, and after a wrong one the next
has to wait, twice as long every time.
"""

from base64 import b32encode
from typing import Any

import segno
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils.translation import gettext_noop
from django_otp import verify_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice.sign_in.sessions import end_sessions

BACKUP_CODES = 10
DIGITS = 6


class WrongCode(Exception):
    """This code is wrong, used already, or too many were wrong before it: wait for the next one."""

    sentence = gettext_noop(
        "This code is wrong or was used before, or it comes too soon after a wrong one."
        " Wait for the next code."
    )


class AlreadySetUp(Exception):
    """A second factor is set up already."""

    sentence = gettext_noop("A second factor is set up already.")


class NothingBegun(Exception):
    """Begin the set-up first."""

    sentence = gettext_noop("Begin the set-up first.")


def factor_of(user: AbstractBaseUser) -> TOTPDevice | None:
    """Return the authenticator app that somebody has set up."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).first()


def begun_factor_of(user: AbstractBaseUser) -> TOTPDevice | None:
    """Return the app whose set-up somebody has begun, and not confirmed yet."""
    return TOTPDevice.objects.filter(user=user, confirmed=False).first()


def backup_codes_left(user: AbstractBaseUser) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


def begin_second_factor(*, user: AbstractBaseUser) -> TOTPDevice:
    """Make a new secret, which counts for nothing until a code confirms it.

    Raises `AlreadySetUp`.
    """
    with transaction.atomic():
        _lock(user)
        if factor_of(user):
            raise AlreadySetUp
        TOTPDevice.objects.filter(user=user).delete()
        return TOTPDevice.objects.create(user=user, name="Authenticator app", confirmed=False)


def confirm_second_factor(*, user: AbstractBaseUser, code: str, session_key: str) -> list[str]:
    """Switch the second factor on by its first code; return the backup codes, to be shown once.

    The person's other sessions end. Raises `AlreadySetUp`, `NothingBegun` or `WrongCode`.
    """
    begun = begun_factor_of(user)
    if begun is None:
        raise AlreadySetUp if factor_of(user) else NothingBegun
    if not verify_token(user, begun.persistent_id, _normal(code)):
        raise WrongCode
    with transaction.atomic():
        _lock(user)
        TOTPDevice.objects.filter(pk=begun.pk).update(confirmed=True)
        codes = _new_backup_codes(user)
    end_sessions(user, but=session_key)
    return codes


def device_by_code(*, user: AbstractBaseUser, code: str) -> Device | None:
    """Return the device of somebody with a second factor that a code, used up by this, is good for.

    Raises `WrongCode` if it is good for none; returns None if nothing is set up.
    """
    app = factor_of(user)
    if app is None:
        return None
    code = _normal(code)
    if not code:
        raise WrongCode  # forgotten, not guessed: no device has to wait for it
    device = app if _is_of_app(code) else StaticDevice.objects.filter(user=user).first()
    verified = verify_token(user, device.persistent_id, code) if device else None
    if verified is None:
        raise WrongCode
    return verified


def renew_backup_codes(*, user: AbstractBaseUser, code: str) -> list[str]:
    """Return new backup codes, to be shown once; the old ones are void. Raises `WrongCode`."""
    if device_by_code(user=user, code=code) is None:
        raise NothingBegun
    with transaction.atomic():
        _lock(user)
        return _new_backup_codes(user)


def switch_off_second_factor(*, user: AbstractBaseUser, code: str, session_key: str) -> None:
    """Switch somebody's own second factor off. Raises `WrongCode`.

    The person's other sessions end: each carries the mark of a factor that is no more.
    """
    device_by_code(user=user, code=code)
    _forget(user)
    end_sessions(user, but=session_key)


def reset_second_factor(*, user: AbstractBaseUser) -> bool:
    """Take somebody's second factor from them and sign them out everywhere; False if none was."""
    had_one = factor_of(user) is not None
    _forget(user)
    end_sessions(user)
    return had_one


def secret_in_words(device: TOTPDevice) -> str:
    """Return the secret as an app takes it by hand, in groups of four."""
    text = b32encode(device.bin_key).decode()
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def qr_image(device: TOTPDevice) -> str:
    """Return the secret as a QR code: the address of an image that holds it all in itself."""
    code = segno.make(device.config_url, error="m", micro=False)
    return str(code.svg_data_uri(scale=5, border=4, dark="#000", light="#fff"))


def _normal(code: str) -> str:
    """Return a code as it was made, however it was copied."""
    return "".join(code.split()).replace("-", "").lower()


def _is_of_app(code: str) -> bool:
    """Tell by its looks what a code is for; a wrong guess would count against the other device."""
    return len(code) == DIGITS and code.isascii() and code.isdigit()


def _new_backup_codes(user: AbstractBaseUser) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="Backup codes")
    codes = [StaticToken.random_token() for _ in range(BACKUP_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


def _forget(user: AbstractBaseUser) -> None:
    with transaction.atomic():
        _lock(user)
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()


def _lock(user: AbstractBaseUser) -> Any:
    """Let what changes somebody's devices take turns."""
    return get_user_model().objects.select_for_update(no_key=True).get(pk=user.pk)
