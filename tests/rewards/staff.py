"""Staff at work in the admin: Aree corrects, Boonmee is the second person."""

import re
from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User

LEDGER_RIGHTS = (
    "view_user",
    "view_transaction",
    "view_grantrequest",
    "grant_reward",
    "correct_transaction",
    "approve_grant",
)


def make_staff(name: str, *rights: str) -> User:
    """Make a member of staff who may do these, by default everything with the ledger."""
    staff = User.objects.create_user(name, "secret")
    staff.user_permissions.set(Permission.objects.filter(codename__in=rights or LEDGER_RIGHTS))
    return staff


class Desk:
    """A member of staff's browser."""

    def __init__(self, staff: User) -> None:
        self.staff = staff
        self.client = Client()
        self.client.force_login(staff)

    def open(self, address: str) -> str:
        response = self.client.get(address)
        assert response.status_code == 200, response.status_code
        return response.content.decode()

    def preview(self, address: str, **asked: Any) -> Any:
        """Open the form, fill it in, ask to be shown; the answer's `seen` and `nonce` are kept."""
        form = {"reason": "Complaint 17", **asked}
        if nonce := hidden(self.open(address), "nonce"):
            form.setdefault("nonce", nonce)
        response = self.client.post(address, {**form, "preview": "1"})
        response.form = {**form, "seen": hidden(response.content.decode(), "seen")}
        return response

    def confirm(self, address: str, previewed: Any) -> Any:
        return self.client.post(address, {**previewed.form, "confirm": "1"}, follow=True)

    def correct(self, address: str, **asked: Any) -> Any:
        """Preview, then confirm."""
        return self.confirm(address, self.preview(address, **asked))


def hidden(page: str, name: str) -> str:
    """Return the value of a hidden field, "" if there is none."""
    field = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)
    return field[1] if field else ""


def told(response: Any) -> str:
    return str(response.content.decode())
