"""The demo page, and what a web app's other parts do for it: Clerk's, and the readings' back end.

Reachable only while `DEBUG` is on: the URLs are left out without it, and each view checks again.
"""

import io
import json
import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

import segno
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.development import NameUnusable, issue_token
from backoffice.refusals import refusal_told
from mimivibes.demo.people import CAST, Person, new_name, people_named
from referrals.browser_session import COOKIE
from referrals.services.events import NewEvent, record_event

TOKEN_SECONDS = 60
LONGEST_NAME = 40
LONGEST_QR_TEXT = 500

View = Callable[[HttpRequest], HttpResponseBase]


def debug_only(view: View) -> View:
    """Answer 404 without `DEBUG`, whatever routes here, and 400 for a name that cannot be one."""

    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponseBase:
        if not settings.DEBUG:
            raise Http404
        try:
            return view(request)
        except NameUnusable as error:
            return JsonResponse({"detail": refusal_told(error)}, status=400)

    return checked


@require_GET
@debug_only
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "demo/index.html")


@require_GET
@debug_only
def people(request: HttpRequest) -> HttpResponse:
    """Describe the cast and whoever else is named, without touching this browser's session."""
    now = timezone.now()
    found = people_named([*CAST, *request.GET.getlist("name")])
    return JsonResponse({"people": [person.as_json(now) for person in found]})


@require_POST
@debug_only
def newcomer(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"name": new_name()})


@require_POST
@debug_only
def token(request: HttpRequest) -> HttpResponse:
    """Sign a session token for a person; the account of somebody unknown is made this moment.

    A number of `seconds` below zero gives one that has expired, to try what a page does then.
    """
    person = _person(request)
    seconds = json.loads(request.body).get("seconds", TOKEN_SECONDS)
    issued = issue_token(
        name=person.name, now=timezone.now(), minutes=seconds / 60, claims=_claims(person)
    )
    return JsonResponse({"token": issued, "seconds": seconds})


@require_POST
@debug_only
def reading(request: HttpRequest) -> HttpResponse:
    """Report a completed reading of a person, as the readings' own back end would."""
    event = NewEvent(
        event_id=f"demo-{uuid.uuid4()}",
        type="reading.completed",
        clerk_id=_person(request).clerk_id,
    )
    recorded = record_event(event=event, source="demo", now=timezone.now())
    return JsonResponse(
        {"id": recorded.event_id, "attribution_status": recorded.attribution_status}
    )


@require_POST
@debug_only
def new_browser(request: HttpRequest) -> HttpResponse:
    """Forget the browser session and the device with it."""
    response = JsonResponse({})
    response.delete_cookie(COOKIE)
    return response


@require_GET
@debug_only
def qr(request: HttpRequest) -> HttpResponse:
    """Draw a text, such as a share link, as a QR code."""
    text = request.GET.get("text", "")
    if not 0 < len(text) <= LONGEST_QR_TEXT:
        raise Http404
    drawing = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        drawing, kind="svg", scale=4, border=1, dark="#231933", light="#ffffff"
    )
    return HttpResponse(drawing.getvalue(), content_type="image/svg+xml")


def _person(request: HttpRequest) -> Person:
    try:
        body = json.loads(request.body)
        name = body["name"]
    except (ValueError, KeyError, TypeError) as error:
        raise NameUnusable from error
    if not isinstance(name, str) or len(name) > LONGEST_NAME:
        raise NameUnusable
    return people_named([name])[0]


def _claims(person: Person) -> dict[str, Any]:
    created_at = person.user.account_created_at if person.user else None
    return {
        "email": f"{person.clerk_id.removeprefix('user_')}@example.com",
        "email_verified": True,
        "account_created_at": int((created_at or timezone.now()).timestamp()),
    }
