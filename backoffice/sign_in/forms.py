import logging
from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from backoffice.sign_in.second_factor import WrongCode, device_by_code
from backoffice.sign_in.throttle import begin_attempt

logger = logging.getLogger(__name__)

LONGEST_CODE = 20


class CodeInput(forms.TextInput):
    """A code of the app, which browsers and password managers offer, or a backup code."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        own = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
        super().__init__({**own, **(attrs or {})})


class CodeForm(forms.Form):
    """Asks somebody who is signed in for a code."""

    code = forms.CharField(
        label=pgettext_lazy("second factor", "Code"), max_length=LONGEST_CODE, widget=CodeInput
    )


class SignInForm(AdminAuthenticationForm):
    """Asks everybody for the same three, and tells nobody which of them was wrong.

    So a stranger learns neither that there is an account, nor that the password was right, nor who
    has a second factor.
    """

    code = forms.CharField(
        label=pgettext_lazy("second factor", "Code"),
        max_length=LONGEST_CODE,
        required=False,
        widget=CodeInput,
        help_text=_("From your app, or a backup code. Empty if you have no second factor."),
    )
    error_messages = {
        "invalid_login": _(
            "Username, password and code do not belong together, or this is no account of"
            " staff. Capital and small letters count. A code is good once."
        ),
    }

    def clean(self) -> dict[str, Any]:
        if not (self.cleaned_data.get("username") and self.cleaned_data.get("password")):
            return self.cleaned_data
        attempt = begin_attempt(
            username=self.cleaned_data["username"],
            address=self.request.META.get("REMOTE_ADDR", "") if self.request else "",
            now=timezone.now(),
        )
        super().clean()
        attempt.succeeded(now=timezone.now())
        return self.cleaned_data

    def confirm_login_allowed(self, user: AbstractBaseUser) -> None:
        """Ask for the code of whoever has a second factor; django-otp notes it in the session."""
        super().confirm_login_allowed(user)  # type: ignore[arg-type]
        try:
            device = device_by_code(user=user, code=self.cleaned_data.get("code", ""))
        except WrongCode as error:
            logger.warning("The password of staff account %s came without a good code.", user.pk)
            raise self.get_invalid_login_error() from error
        if device:
            user.otp_device = device  # type: ignore[attr-defined]
