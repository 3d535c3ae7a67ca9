"""The back office's door, and the app on Aree's phone."""

import time
from typing import Any

from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User

PASSWORD = "a good long password"
LOGIN = "/admin/login/"
PAGE = "/admin/second-factor/"


def hired() -> User:
    """Return Aree, who is staff and has no role."""
    return User.objects.create_user("aree", PASSWORD)


def browser_of(user: User) -> Client:
    """Return the browser of somebody who has signed in by the password alone."""
    client = Client()
    client.force_login(user)
    return client


def knock(
    username: str = "aree",
    password: str = PASSWORD,
    *,
    code: str = "",
    address: str = "203.0.113.1",
    client: Client | None = None,
) -> Any:
    """Try to sign in from an address; return the response."""
    fields = {"username": username, "password": password, "code": code, "next": "/admin/"}
    return (client or Client()).post(LOGIN, fields, REMOTE_ADDR=address)


def is_let_in(response: Any) -> bool:
    return bool(response.status_code == 302 and response["Location"] == "/admin/")


def code_of_app(user: User, *, steps_ahead: int = 0) -> str:
    """Return what the authenticator app on `user`'s phone shows, now or so many codes later."""
    device = TOTPDevice.objects.get(user=user)
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits)
    totp.time = time.time() + steps_ahead * device.step
    return f"{totp.token():06d}"


def set_up(client: Client, user: User) -> list[str]:
    """Switch the second factor on as its owner does; return the backup codes that they are shown.

    The next code of the app is good for a first sign-in.
    """
    client.post(f"{PAGE}begin/")
    shown = client.post(f"{PAGE}confirm/", {"code": code_of_app(user)})
    return list(shown.context["codes"])
