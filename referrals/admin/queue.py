"""The page of the held queue: what waits, the evidence side by side, and what to do about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from backoffice.links import page_of
from backoffice.lists import COUNTED
from referrals.admin.bulk import BulkAdmin
from referrals.services.queue import COUNTED as COUNTED_EVIDENCE
from referrals.services.queue import RULES, Case, Position, Waiting, held_attributions, held_cases
from rewards.wording import signed

WAITING = {
    Waiting.REVIEW: gettext_lazy("a decision of staff"),
    Waiting.AGE: gettext_lazy("the age of the account, from Clerk"),
}
SEES_PERSONAL_DATA = "accounts.view_personal_data"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two people of a case, as staff see them."""

    role: str
    user: User
    name: str
    address: str
    claimed_at: datetime
    email: str

    @property
    def made(self) -> str:
        """When Clerk made the account, seen from the claim."""
        at = self.user.account_created_at
        return seen_from(self.claimed_at, at) if at else ""

    @property
    def first_seen(self) -> str:
        return seen_from(self.claimed_at, self.user.created_at)


@dataclass(frozen=True, slots=True)
class ShownCase:
    """A case and how it is told on the page."""

    case: Case
    referee: Side
    referrer: Side
    payments: list[tuple[str, str, str]]
    waits_for: list[str | Promise]
    address: str

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.referee, self.referrer


class QueueAdmin(BulkAdmin):
    """Adds the held queue to the attributions' pages."""

    change_list_template = "referrals/admin/attribution_list.html"

    def get_urls(self) -> list[URLPattern]:
        held = self.admin_site.admin_view(self.held)
        return [path("held/", held, name="referrals_attribution_held"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"held_count": held_count(), "counted": COUNTED, **(extra_context or {})}
        return super().changelist_view(request, context)

    def held(self, request: HttpRequest) -> HttpResponse:
        """Show a page of the queue, as filtered, from where `after` says."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        filters = _filters(request)
        after = _position(request.GET.get("after", ""))
        now = timezone.now()
        cases, has_more = held_cases(
            waiting=filters["waiting"], rule=filters["rule"], after=after, now=now
        )
        shows_email = request.user.has_perm(SEES_PERSONAL_DATA)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Held queue"),
            "opts": self.opts,
            "cases": [_shown(case, shows_email=shows_email) for case in cases],
            "held_count": held_count(),
            "counted": COUNTED,
            "counted_evidence": COUNTED_EVIDENCE,
            "now": now,
            "waits": WAITING.items(),
            "rules": RULES.items(),
            "filters": filters,
            "is_filtered": any(filters.values()),
            "is_first": after is None,
            "first_page": _page_address(filters),
            "next_page": _page_address(filters, cases[-1].position) if has_more else "",
            "may_decide": self.has_decide_permission(request),
            "sees_devices": request.user.has_perm("referrals.view_userdevice"),
            "back": request.get_full_path(),
            "media": self.media,
        }
        return TemplateResponse(request, "referrals/admin/held_queue.html", context)


def held_count() -> int:
    """Count what waits, as far as lists count."""
    return held_attributions().order_by()[:COUNTED].count()


def seen_from(claimed_at: datetime, at: datetime) -> str:
    """Tell a time by how long it was before the claim, or after it."""
    if at > claimed_at:
        return _("%(time)s after the claim") % {"time": timesince(claimed_at, at)}
    return _("%(time)s before the claim") % {"time": timesince(at, claimed_at)}


def masked(email: str) -> str:
    """Hide an e-mail address but for how its mailbox and its domain begin, and the last label."""
    mailbox, _at, domain = email.rpartition("@")
    name, _dot, last = domain.rpartition(".")
    return f"{mailbox[:1]}•••@{name[:1]}•••.{last}" if mailbox and name else "•••"


def _shown(case: Case, *, shows_email: bool) -> ShownCase:
    attribution = case.attribution

    def side(role: str, user: User) -> Side:
        email = user.email if shows_email or not user.email else masked(user.email)
        return Side(role, user, user.known_as, page_of(user), attribution.claimed_at, email)

    return ShownCase(
        case=case,
        referee=side(_("referee"), attribution.referee),
        referrer=side(_("referrer"), attribution.referrer),
        payments=[(p.user.known_as, signed(p.amounts), p.when) for p in case.payments],
        waits_for=list(_waits_for(case)),
        address=page_of(attribution),
    )


def _waits_for(case: Case) -> Iterator[str | Promise]:
    if case.attribution.awaits_review:
        yield WAITING[Waiting.REVIEW]
    if case.attribution.awaits_age:
        yield WAITING[Waiting.AGE]


def _filters(request: HttpRequest) -> dict[str, str]:
    """Return the filters that were asked for; those that there are not are left out."""
    waiting, rule = request.GET.get("waiting", ""), request.GET.get("rule", "")
    return {
        "waiting": waiting if waiting in set(Waiting) else "",
        "rule": rule if rule in RULES else "",
    }


def _position(text: str) -> Position | None:
    """Read a place in the queue from an address; what is none begins at the beginning."""
    at, _comma, id_ = text.partition(",")
    try:
        claimed_at = parse_datetime(at)
        return Position(claimed_at, UUID(id_)) if claimed_at and claimed_at.tzinfo else None
    except ValueError:
        return None


def _page_address(filters: dict[str, str], after: Position | None = None) -> str:
    asked = {name: value for name, value in filters.items() if value}
    if after:
        asked["after"] = f"{after.claimed_at.isoformat()},{after.id}"
    address = reverse("admin:referrals_attribution_held")
    return f"{address}?{urlencode(asked)}" if asked else address
