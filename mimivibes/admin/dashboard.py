"""The dashboard on the admin's first page: what came of invitations, and what waits for staff.

Each panel is shown to those who may view what it is made of; to others the page is the plain list
of apps. Of days that are over, how far invitations came and what was issued is kept; all else is
read when the page is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote

from django import forms
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from accounts.services import inbox_figures
from backoffice.links import page_of
from referrals.models import Program, ReferralCode
from referrals.services.funnel import (
    EVERYTHING,
    Slice,
    Steps,
    funnel_by_day,
    held_queue,
    top_referrers,
)
from referrals.services.payments import REFEREE_KIND, REFERRER_KIND
from rewards import services as rewards
from rewards.amounts import Amounts, Currency
from rewards.days import midnights_until
from rewards.models import kind_told
from rewards.wording import signed

PERIODS = (7, 30, 90)
DEFAULT_PERIOD = 30
PROOF_KEEPS_FOR = timedelta(hours=26)
"""A daily proof is late after this."""

STEP_NAMES: dict[str, str | Promise] = {
    "opened": gettext_lazy("Opened"),
    "adopted": gettext_lazy("Adopted"),
    "claimed": gettext_lazy("Claimed"),
    "qualified": gettext_lazy("Qualified"),
    "rewarded": gettext_lazy("Rewarded"),
}
KIND_NAMES: dict[str, str | Promise] = {
    REFEREE_KIND: gettext_lazy("For accepting an invitation"),
    REFERRER_KIND: gettext_lazy("For inviting a friend"),
    "reward": gettext_lazy("By reward rules"),
    "grant": gettext_lazy("Granted by staff or a service"),
    "opening": gettext_lazy("Brought over from the earlier app"),
}


class DashboardForm(forms.Form):
    """Which days, and which invitations, the dashboard is about."""

    days = forms.TypedChoiceField(
        label=gettext_lazy("Period"),
        choices=[
            (7, gettext_lazy("Last 7 days")),
            (30, gettext_lazy("Last 30 days")),
            (90, gettext_lazy("Last 90 days")),
        ],
        coerce=int,
    )
    program = forms.ModelChoiceField(
        Program.objects.order_by("name"),
        label=gettext_lazy("Program"),
        to_field_name="slug",
        required=False,
        empty_label=gettext_lazy("Every program"),
    )
    code = forms.CharField(label=gettext_lazy("Code"), max_length=64, required=False)

    @property
    def is_narrowed(self) -> bool:
        """Say whether something less than everything was asked for."""
        return any(self.data.get(name) for name in ("program", "code"))

    def clean_code(self) -> ReferralCode | None:
        typed = self.cleaned_data["code"]
        if not typed:
            return None
        code = ReferralCode.objects.typed(typed).first()
        if code is None:
            raise forms.ValidationError(_("There is no such code."))
        return code


@dataclass(frozen=True)
class Asked:
    """What somebody wants to see: whole days in the time zone of the settings, today included."""

    days: int
    of: Slice | None
    """Which invitations; None if what was typed names none."""
    now: datetime

    @cached_property
    def midnights(self) -> list[datetime]:
        """The beginning of each day, and the end of the last."""
        return midnights_until(self.now, days=self.days)

    @property
    def begins(self) -> datetime:
        return self.midnights[0]

    @property
    def ends(self) -> datetime:
        return self.midnights[-1]


@dataclass(frozen=True)
class Panel:
    """A part of the page: what one must be allowed to view for it, and how it is read."""

    name: str
    permissions: tuple[str, ...]
    read: Callable[[Asked], Any]
    is_sliced: bool = False
    """Whether it is about the program and code that were asked for."""


def dashboard(request: HttpRequest) -> dict[str, Any]:
    """Return what the template shows: the form, and the panels that this person may see."""
    seen = [panel for panel in PANELS if _has_perms(request, panel.permissions)]
    if not seen:
        return {"panels": {}}
    form = _form(request)
    asked = Asked(form["days"].value(), _slice(form), timezone.now())
    return {
        "form": form,
        "panels": {
            panel.name: panel.read(asked) for panel in seen if asked.of or not panel.is_sliced
        },
        "begins": asked.begins,
        "now": asked.now,
        "time_zone": settings.TIME_ZONE,
    }


def _has_perms(request: HttpRequest, permissions: tuple[str, ...]) -> bool:
    return isinstance(request.user, User) and request.user.has_perms(permissions)


def _form(request: HttpRequest) -> DashboardForm:
    """Return the form as asked for, with only what this person may view to choose from."""
    days = request.GET.get("days", "")
    typed = {name: request.GET.get(name, "") for name in ("program", "code")}
    days_known = int(days) if days in map(str, PERIODS) else DEFAULT_PERIOD
    form = DashboardForm({**typed, "days": days_known})
    if not _has_perms(request, ("referrals.view_program",)):
        del form.fields["program"]
    if not _has_perms(request, ("referrals.view_referralcode",)):
        del form.fields["code"]
    return form


def _slice(form: DashboardForm) -> Slice | None:
    if not form.is_valid():
        return None
    return Slice(form.cleaned_data.get("program"), form.cleaned_data.get("code"))


@dataclass(frozen=True)
class Step:
    """One step of the funnel in the whole period; shares are None where there is nothing before."""

    key: str
    name: str | Promise
    total: int
    of_before: float | None
    of_first: float | None
    width: str
    """Per cent of the longest bar, as SVG writes it."""


def _funnel(asked: Asked) -> dict[str, Any]:
    by_day = funnel_by_day(midnights=asked.midnights, now=asked.now, of=asked.of or EVERYTHING)
    totals = Steps(*map(sum, zip(*by_day, strict=True)))
    days = list(zip(asked.midnights, by_day, strict=False))
    return {
        "steps": _steps(totals),
        "totals": totals,
        "days": days[::-1],
        "plot": {
            "days": [_day_name(midnight) for midnight in asked.midnights[:-1]],
            "steps": [
                {"key": key, "name": str(name), "counts": [getattr(day, key) for day in by_day]}
                for key, name in STEP_NAMES.items()
            ],
        },
    }


def _steps(totals: Steps) -> list[Step]:
    counts = totals._asdict()
    most = max(totals) or 1
    before = [None, *totals]
    return [
        Step(
            key,
            name,
            counts[key],
            of_before=_share(counts[key], previous),
            of_first=_share(counts[key], totals.opened) if previous is not None else None,
            width=f"{100 * counts[key] / most:.1f}%",
        )
        for (key, name), previous in zip(STEP_NAMES.items(), before, strict=False)
    ]


def _share(part: int, whole: int | None) -> float | None:
    return 100 * part / whole if whole else None


def _day_name(midnight: datetime) -> str:
    return date_format(midnight, "j M")


def _top(asked: Asked) -> list[dict[str, Any]]:
    top = top_referrers(begins=asked.begins, ends=asked.ends, of=asked.of or EVERYTHING)
    return [
        {
            "name": row.user.known_as,
            "page": page_of(row.user),
            "claimed": row.claimed,
            "rewarded": row.rewarded,
            "earned": signed(row.earned) if row.earned else "—",
        }
        for row in top
    ]


def _held(asked: Asked) -> dict[str, Any]:
    return {**held_queue()._asdict(), "page": reverse("admin:referrals_attribution_held")}


def _issued(asked: Asked) -> dict[str, Any]:
    kinds = rewards.issued_by_kind(midnights=asked.midnights, now=asked.now)
    given = sum((kind.given for kind in kinds), Amounts())
    taken_back = sum((kind.taken_back for kind in kinds), Amounts())
    ledger = reverse("admin:rewards_transaction_changelist")
    return {
        "currencies": [
            {"name": label, "net": given_amount + back, "given": given_amount, "taken_back": -back}
            for label, (_name, given_amount), (_same, back) in zip(
                Currency.labels, given, taken_back, strict=True
            )
        ],
        "kinds": [
            {
                "name": KIND_NAMES.get(kind.kind, kind_told(kind.kind)),
                "page": f"{ledger}?kind={quote(kind.kind)}",
                "amounts": [amount for _name, amount in kind.net],
            }
            for kind in kinds
        ],
        "totals": [amount for _name, amount in given + taken_back],
    }


def _grants(asked: Asked) -> dict[str, Any]:
    page = reverse("admin:rewards_grantrequest_changelist")
    return {**rewards.grants_waiting()._asdict(), "page": f"{page}?status=waiting"}


def _proof(asked: Asked) -> dict[str, Any]:
    proof = rewards.last_proof()
    return {
        "proof": proof,
        "is_late": proof is not None and asked.now - proof.started_at > PROOF_KEEPS_FOR,
        "page": reverse("admin:rewards_ledgerproof_changelist"),
    }


def _inbox(asked: Asked) -> dict[str, Any]:
    inbox = reverse("admin:accounts_webhookreceipt_changelist")
    return {
        **inbox_figures()._asdict(),
        "page": inbox,
        "failed_page": f"{inbox}?status__exact=failed",
    }


PANELS = (
    Panel("held", ("referrals.view_attribution",), _held),
    Panel("grants", ("rewards.view_grantrequest",), _grants),
    Panel("proof", ("rewards.view_ledgerproof",), _proof),
    Panel("inbox", ("accounts.view_webhookreceipt",), _inbox),
    Panel(
        "funnel", ("referrals.view_capture", "referrals.view_attribution"), _funnel, is_sliced=True
    ),
    Panel(
        "top",
        ("referrals.view_attribution", "accounts.view_user", "rewards.view_transaction"),
        _top,
        is_sliced=True,
    ),
    Panel("issued", ("rewards.view_transaction", "rewards.view_entry"), _issued),
)
