"""What was opened, in which browser, and whose it became."""

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from referrals.models import Attribution, BrowserSession, Capture, ClosedReason, Touch
from referrals.services.story.moments import Moment, Tone, Who
from referrals.services.story.sources import Sources, by_visit
from referrals.services.story.words import called, listed, short


def openings(read: Sources) -> Iterator[Moment]:
    """Tell of every code that the person opened, and what the link was."""
    for capture in read.own_captures:
        yield _opened(capture, read)
        if capture.opened_at > capture.first_opened_at:
            yield Moment(
                at=capture.opened_at,
                text=_("Opened %(code)s once more.") % {"code": capture.code},
                by=_opener(capture, read),
                links=_links(capture),
                tone=Tone.QUIET,
            )


def adoptions(read: Sources) -> Iterator[Moment]:
    """Tell which browser sessions the person took over by signing in."""
    opened = by_visit(read.captures)
    for visit in read.visits:
        if visit.adopted_at and visit.adopted_by_id == read.user.pk:
            yield Moment(
                at=visit.adopted_at,
                text=_adopted(opened.get(visit.pk, []), read),
                by=Who(called(read.user), read.user),
                links=((_("Browser session"), visit),),
                details=(_on_device(visit),),
            )


def of_others(read: Sources) -> Iterator[Moment]:
    """Tell what others opened on the person's devices: it may be what the person misses."""
    opened = by_visit(read.captures)
    for visit in read.visits:
        captures = opened.get(visit.pk, [])
        if visit.adopted_by_id != read.user.pk and captures:
            yield _of_another(visit, captures, read)


def endings(read: Sources) -> Iterator[Moment]:
    """Tell what became of every code that the person opened."""
    used = {attribution.capture_id for attribution in read.attributions}
    for capture in read.own_captures:
        at, text = _ending(capture, read)
        if at is not None and capture.pk not in used:  # the claim that used it says so
            yield Moment(
                at=at,
                text=text,
                by=Who(called(read.user), read.user)
                if capture.closed_reason == ClosedReason.FORGOTTEN
                else Who(_("the system")),
                links=_links(capture),
                tone=Tone.QUIET if capture.closed_at else Tone.STOPS,
            )


def devices(read: Sources) -> Iterator[Moment]:
    taken_over = {(visit.device_id, visit.adopted_at) for visit in read.visits}
    for device in read.devices:
        if (device.device_id, device.first_seen_at) in taken_over:  # told as that
            continue
        yield Moment(
            at=device.first_seen_at,
            text=_("Signed in on device %(device)s for the first time.")
            % {"device": short(device.device_id)},
            by=Who(called(read.user), read.user),
            links=((_("Device"), device),),
            tone=Tone.QUIET,
        )


def _opened(capture: Capture, read: Sources) -> Moment:
    told = {"code": capture.code, "referrer": capture.code.owner.known_as}
    if capture.browser_session:
        text = _("Opened %(code)s of %(referrer)s, before signing in.") % told
        where: tuple[str, ...] = (_in_session(capture.browser_session),)
    else:
        text = _("Opened %(code)s of %(referrer)s, signed in.") % told
        where = ()
    return Moment(
        at=capture.first_opened_at,
        text=text,
        by=_opener(capture, read),
        links=_links(capture),
        details=(*landed(capture), *where),
    )


def landed(capture: Capture) -> tuple[str, ...]:
    """Say where a link led and what it said of its origin."""
    told = []
    if capture.landing_url:
        told.append(_("Landed on %(url)s.") % {"url": capture.landing_url})
    if capture.utm:
        came = ", ".join(f"{key} {value}" for key, value in sorted(capture.utm.items()))
        told.append(_("The link says: %(utm)s.") % {"utm": came})
    return tuple(told)


def _in_session(visit: BrowserSession) -> str:
    return _("Browser session %(session)s on device %(device)s.") % {
        "session": short(visit.pk),
        "device": short(visit.device_id),
    }


def _on_device(visit: BrowserSession) -> str:
    return _("On device %(device)s; the browser was given a fresh session.") % {
        "device": short(visit.device_id)
    }


def _opener(capture: Capture, read: Sources) -> Who:
    if capture.browser_session:
        return Who(_("a visitor"))
    return Who(called(read.user), read.user)


def _links(capture: Capture) -> tuple[tuple[str, Capture | BrowserSession], ...]:
    links: tuple[tuple[str, Capture | BrowserSession], ...] = ((_("Capture"), capture),)
    if capture.browser_session:
        links += ((_("Browser session"), capture.browser_session),)
    return links


def _adopted(captures: list[Capture], read: Sources) -> str:
    codes = [str(c.code) for c in captures if c.adopted_at]
    told = {"person": called(read.user), "codes": listed(codes)}
    if codes:
        return _("%(person)s signed in: what this browser had opened, %(codes)s, is theirs.") % told
    return _("%(person)s signed in: nothing opened in this browser was still valid.") % told


def _of_another(visit: BrowserSession, captures: list[Capture], read: Sources) -> Moment:
    told = {
        "codes": listed(str(capture.code) for capture in captures),
        "device": short(visit.device_id),
        "person": called(read.user),
    }
    if visit.adopted_at and visit.adopted_by:
        other = called(visit.adopted_by)
        text = _(
            "%(codes)s was opened on device %(device)s, which %(person)s uses too. "
            "%(other)s signed in there first, so it belongs to %(other)s."
        ) % {**told, "other": other}
        at, by = visit.adopted_at, Who(other, visit.adopted_by)
    else:
        text = (
            _(
                "%(codes)s was opened on device %(device)s, which %(person)s uses too. "
                "Nobody has signed in there since, so it belongs to nobody."
            )
            % told
        )
        at, by = captures[0].first_opened_at, Who(_("a visitor"))
    return Moment(at=at, text=text, by=by, links=((_("Browser session"), visit),), tone=Tone.QUIET)


ENDINGS = {
    ClosedReason.CLAIMED: gettext_lazy("%(code)s was put aside by a claim."),
    ClosedReason.FORGOTTEN: gettext_lazy("%(code)s was forgotten at their own wish."),
    ClosedReason.OWN_CODE: gettext_lazy("%(code)s was dropped: it is their own code."),
    ClosedReason.MERGED: gettext_lazy("%(code)s was merged with the same code, held already."),
    ClosedReason.ERASED: gettext_lazy("%(code)s was dropped with the account."),
}


def _ending(capture: Capture, read: Sources) -> tuple[datetime | None, str]:
    told = {"code": str(capture.code)}
    if capture.closed_at:
        return capture.closed_at, _closed(capture, read, told)
    if capture.expires_at <= read.now:
        return capture.expires_at, _("%(code)s expired unclaimed.") % told
    return None, ""


def _closed(capture: Capture, read: Sources, told: dict[str, str]) -> str:
    claimed = _claim_that_closed(capture, read)
    if claimed is None:
        return str(ENDINGS[ClosedReason(capture.closed_reason)]) % told
    return _superseded(claimed, told)


def _claim_that_closed(capture: Capture, read: Sources) -> Attribution | None:
    if capture.closed_reason != ClosedReason.CLAIMED:
        return None
    claimed = (a for a in read.attributions if a.claimed_at == capture.closed_at)
    return next((a for a in claimed if a.replaces_id is None), None)


def _superseded(claimed: Attribution, told: dict[str, str]) -> str:
    told = {**told, "other": str(claimed.code)}
    if claimed.capture is None:
        return _("%(code)s was put aside for %(other)s, which was named.") % told
    if claimed.terms.touch == Touch.FIRST:
        return _("%(code)s was put aside for %(other)s: the first opened counts.") % told
    return _("%(code)s was put aside for %(other)s: the last opened counts.") % told
