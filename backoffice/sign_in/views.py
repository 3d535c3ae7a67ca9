"""The page on which staff look after their own second factor."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST
from django_otp import DEVICE_ID_SESSION_KEY, login

from backoffice.records import in_english
from backoffice.refusals import refusal_told
from backoffice.sign_in import second_factor
from backoffice.sign_in.forms import CodeForm

REFUSALS = (second_factor.WrongCode, second_factor.AlreadySetUp, second_factor.NothingBegun)

Context = Callable[[HttpRequest], dict[str, Any]]


@require_GET
def show(request: HttpRequest, *, context: Context) -> HttpResponse:
    """Show whether there is a second factor, and while one is being set up, its secret."""
    return _page(request, context, form=CodeForm())


@require_POST
def begin(request: HttpRequest, *, context: Context) -> HttpResponse:
    try:
        second_factor.begin_second_factor(user=_user(request))
    except second_factor.AlreadySetUp as refusal:
        messages.error(request, refusal_told(refusal))
    return _back()


@sensitive_post_parameters("code")
@require_POST
def confirm(request: HttpRequest, *, context: Context) -> HttpResponse:
    def act(code: str) -> HttpResponse:
        user = _user(request)
        codes = second_factor.confirm_second_factor(
            user=user, code=code, session_key=request.session.session_key or ""
        )
        login(request, second_factor.factor_of(user))
        _log(request, "Switched the second factor on.")
        return _show_codes(request, context, codes)

    return _with_code(request, context, act)


@sensitive_post_parameters("code")
@require_POST
def renew_codes(request: HttpRequest, *, context: Context) -> HttpResponse:
    def act(code: str) -> HttpResponse:
        codes = second_factor.renew_backup_codes(user=_user(request), code=code)
        _log(request, "Made new backup codes.")
        return _show_codes(request, context, codes)

    return _with_code(request, context, act)


@sensitive_post_parameters("code")
@require_POST
def switch_off(request: HttpRequest, *, context: Context) -> HttpResponse:
    def act(code: str) -> HttpResponse:
        second_factor.switch_off_second_factor(
            user=_user(request), code=code, session_key=request.session.session_key or ""
        )
        request.session.pop(DEVICE_ID_SESSION_KEY, None)
        _log(request, "Switched the second factor off.")
        messages.success(request, _("The second factor is switched off."))
        return _back()

    return _with_code(request, context, act)


def _with_code(
    request: HttpRequest, context: Context, act: Callable[[str], HttpResponse]
) -> HttpResponse:
    form = CodeForm(request.POST)
    if form.is_valid():
        try:
            return act(form.cleaned_data["code"])
        except REFUSALS as refusal:
            form.add_error(None, refusal_told(refusal))
    return _page(request, context, form=form)


def _page(request: HttpRequest, context: Context, *, form: CodeForm) -> HttpResponse:
    user = _user(request)
    factor, begun = second_factor.factor_of(user), second_factor.begun_factor_of(user)
    shown: dict[str, Any] = {"factor": factor, "form": form}
    if factor:
        shown["backup_codes_left"] = second_factor.backup_codes_left(user)
    elif begun:
        shown["qr_image"] = second_factor.qr_image(begun)
        shown["secret"] = second_factor.secret_in_words(begun)
    return _render(request, context, "second_factor", shown)


def _show_codes(request: HttpRequest, context: Context, codes: list[str]) -> HttpResponse:
    return _render(request, context, "backup_codes", {"codes": codes})


def _render(
    request: HttpRequest, context: Context, name: str, shown: dict[str, Any]
) -> HttpResponse:
    title = _("Second factor") if name == "second_factor" else _("Backup codes")
    values = {**context(request), "title": title, **shown}
    return TemplateResponse(request, f"backoffice/sign_in/{name}.html", values)


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:second_factor"))


def _log(request: HttpRequest, done: str) -> None:
    user = _user(request)
    with in_english():
        LogEntry.objects.log_actions(user.pk, [user], CHANGE, done, single_object=True)


def _user(request: HttpRequest) -> Any:
    """Return who is signed in, as a row and not as the request's lazy stand-in for it."""
    return get_user_model().objects.get(pk=request.user.pk or 0)
