"""Every error under `/api/` as `application/problem+json` (RFC 9457), in one place.

Domain errors are plain exceptions that live beside the verb that raises them; `PROBLEMS` gives each
its HTTP status, code and title. What Django itself would answer in HTML (an unknown path, a bad
Host, a crash) is put into the same shape by `ProblemMiddleware`.

A lost database is no crash: for some seconds, while another takes over, callers are told to try
again (503 with `Retry-After`), wherever in a request it was noticed.
"""

import logging
import math
import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, NamedTuple

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, InternalError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.defaults import server_error
from psycopg.errors import ReadOnlySqlTransaction
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from accounts.authentication import ApiKeyMissing, ScopeMissing, TokenMissing
from accounts.clerk.deliveries import SignatureInvalid
from accounts.clerk.keys import KeysUnavailable
from accounts.clerk.tokens import TokenExpired, TokenInvalid
from accounts.services import AccountBanned, AccountDeleted, ApiKeyInvalid, WebhookWorkFailed
from accounts.webhooks import TooLarge
from mimivibes.metrics.processes import count_error, count_problem
from mimivibes.replicas import is_final
from referrals.services.captures import OwnCode
from referrals.services.claims import (
    AlreadyAttributed,
    AttributionRejected,
    CapReached,
    NotNewAccount,
    ProgramInactive,
    ReciprocalReferral,
    SelfReferral,
)
from referrals.services.codes import CodeNotAllowed, CodeNotFound, CodeTaken, InvalidCode
from referrals.services.events import EventConflict
from referrals.views.public import OriginNotAllowed
from rewards import services as rewards
from rewards.views import IdempotencyKeyInvalid, IdempotencyKeyMissing

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
API_PREFIX = "/api/"


class Problem(NamedTuple):
    """What a caller is told: the HTTP status, the contract's code, a title for people."""

    status: int
    code: str
    title: str | Promise


PROBLEMS: dict[type[Exception], Problem] = {
    Http404: Problem(404, "not_found", _("There is nothing here")),
    PermissionDenied: Problem(403, "forbidden", _("You may not do this")),
    exceptions.ParseError: Problem(400, "malformed", _("The body cannot be read")),
    exceptions.ValidationError: Problem(400, "invalid", _("The input is not valid")),
    exceptions.NotFound: Problem(404, "not_found", _("There is nothing here")),
    exceptions.PermissionDenied: Problem(403, "forbidden", _("You may not do this")),
    exceptions.MethodNotAllowed: Problem(
        405, "method_not_allowed", _("This method is not allowed here")
    ),
    exceptions.NotAcceptable: Problem(406, "not_acceptable", _("No acceptable representation")),
    exceptions.UnsupportedMediaType: Problem(
        415, "unsupported_media_type", _("The body must be application/json")
    ),
    exceptions.Throttled: Problem(429, "throttled", _("Too many requests")),
    TokenMissing: Problem(401, "token_missing", _("Sign in first")),
    TokenInvalid: Problem(401, "token_invalid", _("The session token is not valid")),
    TokenExpired: Problem(401, "token_expired", _("The session token has expired")),
    AccountDeleted: Problem(403, "account_deleted", _("This account has been deleted")),
    AccountBanned: Problem(403, "account_banned", _("This account has been banned")),
    KeysUnavailable: Problem(503, "keys_unavailable", _("Tokens cannot be checked just now")),
    ApiKeyMissing: Problem(401, "api_key_missing", _("This call needs an API key")),
    ApiKeyInvalid: Problem(401, "api_key_invalid", _("The API key is not valid")),
    ScopeMissing: Problem(403, "scope_missing", _("The API key may not do this")),
    SignatureInvalid: Problem(400, "signature_invalid", _("The delivery is not validly signed")),
    SuspiciousOperation: Problem(400, "malformed", _("The request cannot be read")),
    RequestDataTooBig: Problem(413, "too_large", _("The body is too large")),
    TooLarge: Problem(413, "too_large", _("The delivery is too large")),
    WebhookWorkFailed: Problem(500, "webhook_failed", _("The delivery is kept, its work failed")),
    CodeNotFound: Problem(404, "code_not_found", _("There is no such code in use")),
    OwnCode: Problem(422, "own_code", _("This is your own code")),
    OriginNotAllowed: Problem(403, "origin_not_allowed", _("This site may not store codes")),
    SelfReferral: Problem(422, "self_referral", _("This is your own code")),
    NotNewAccount: Problem(422, "not_new_account", _("Invitations are for new accounts")),
    ReciprocalReferral: Problem(
        422, "reciprocal_referral", _("You were here before the person who invites you")
    ),
    ProgramInactive: Problem(422, "program_inactive", _("The program is not running")),
    CapReached: Problem(422, "cap_reached", _("This code has been used as often as it may be")),
    AttributionRejected: Problem(
        422, "attribution_rejected", _("An earlier invitation of yours was rejected")
    ),
    AlreadyAttributed: Problem(
        409, "already_attributed", _("You have accepted another invitation already")
    ),
    InvalidCode: Problem(400, "invalid", _("A code has 4 to 20 letters A to Z and digits")),
    CodeTaken: Problem(409, "code_taken", _("Somebody has this code already")),
    CodeNotAllowed: Problem(422, "code_not_allowed", _("This code is not allowed")),
    EventConflict: Problem(409, "event_conflict", _("This event id was used for another event")),
    IdempotencyKeyMissing: Problem(
        400, "idempotency_key_missing", _("The Idempotency-Key header is missing")
    ),
    IdempotencyKeyInvalid: Problem(
        400, "idempotency_key_invalid", _("The Idempotency-Key header is not valid")
    ),
    rewards.IdempotencyKeyReused: Problem(
        422, "idempotency_key_reused", _("This Idempotency-Key was used for something else")
    ),
    rewards.InsufficientBalance: Problem(
        409, "insufficient_balance", _("There is not enough on the balance")
    ),
    rewards.NoRate: Problem(422, "no_rate", _("These two currencies are not exchanged")),
    rewards.UserGone: Problem(422, "user_gone", _("This user is deleted or banned")),
    rewards.TransactionNotFound: Problem(404, "not_found", _("There is no such transaction")),
    rewards.OwnedElsewhere: Problem(
        409, "owned_elsewhere", _("What is behind this transaction must be corrected instead")
    ),
    rewards.AlreadyReversed: Problem(
        409, "already_reversed", _("This transaction has been reversed already")
    ),
}
LENGTH_REQUIRED = Problem(411, "length_required", _("The body needs a Content-Length"))
UNAVAILABLE = Problem(
    503, "unavailable", _("The database is not there just now; try the same again in a moment")
)
RETRY_AFTER = 2
"""Seconds; while a cluster elects another primary, callers come back a few times."""
UNEXPECTED = Problem(500, "internal_error", _("Something went wrong on our side"))
CHALLENGES = {"api_key": "Api-Key", "token": 'Bearer realm="api"'}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Turn what a view raised into a problem; what nobody anticipated is logged, and is a 500."""
    set_rollback()
    problem = _problem_of(error)
    view = type(context["view"]).__name__
    if is_final(problem.status):
        count_problem(problem.code)
        if problem in (UNAVAILABLE, UNEXPECTED):
            count_error(error)
    if problem is UNAVAILABLE:
        _leave_read_only_server(error)
        logger.warning("No database in %s: %s", view, type(error.__cause__ or error).__name__)
    if problem is UNEXPECTED:
        logger.error("Unexpected error in %s", view, exc_info=error)
    response = Response(
        _body(problem, detail=_detail(error, problem)),
        status=problem.status,
        headers=_headers(error, problem),
    )
    if isinstance(error, exceptions.ValidationError):
        response.data["errors"] = list(_field_errors(error.get_full_details()))
    elif field := getattr(error, "field", None):  # a domain error that blames one field
        told = {"field": field, "code": problem.code, "detail": response.data["detail"]}
        response.data["errors"] = [told]
    response.content_type = CONTENT_TYPE
    return response


def problem_response(problem: Problem, detail: str = "") -> HttpResponse:
    """Return `problem` as a plain Django response, for code that runs outside DRF's views."""
    count_problem(problem.code)
    return JsonResponse(
        _body(problem, detail=detail or str(problem.title)),
        status=problem.status,
        content_type=CONTENT_TYPE,
    )


def crashed(request: HttpRequest) -> HttpResponse:
    """Answer what nobody caught outside DRF's views (Django's `handler500`).

    A lost database is 503 there too, in the middleware and on the pages of the admin.
    """
    error = sys.exc_info()[1]
    if error is None or not _is_lost_database(error):
        return server_error(request)
    _leave_read_only_server(error)
    if request.path.startswith(API_PREFIX):
        response = problem_response(UNAVAILABLE)
    else:
        response = HttpResponse(str(UNAVAILABLE.title), "text/plain", UNAVAILABLE.status)
    response["Retry-After"] = str(RETRY_AFTER)
    return response


class ProblemMiddleware:
    """Turn Django's own HTML error pages under `/api/` into problems; their headers stay."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if (
            response.status_code >= HTTPStatus.BAD_REQUEST
            and request.path.startswith(API_PREFIX)
            and response.get("Content-Type", "").startswith("text/html")
        ):
            problem = _problem_of_status(HTTPStatus(response.status_code))
            response.content = problem_response(problem).content
            response["Content-Type"] = CONTENT_TYPE
            del response["Content-Length"]
        return response


class BodyLengthMiddleware:
    """Refuse a body of unannounced length (chunked) under `/api/`.

    Django reads none of it, so a claim that names a code would be taken for one that names none.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_chunked = "HTTP_TRANSFER_ENCODING" in request.META
        if is_chunked and request.path.startswith(API_PREFIX):
            return problem_response(LENGTH_REQUIRED)
        return self.get_response(request)


_GENERIC = (Http404, PermissionDenied, exceptions.MethodNotAllowed)


def _problem_of_status(status: HTTPStatus) -> Problem:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UNEXPECTED
    known = {PROBLEMS[kind].status: PROBLEMS[kind] for kind in _GENERIC}
    return known.get(status, Problem(status, status.name.lower(), status.phrase))


def _problem_of(error: Exception) -> Problem:
    for kind in type(error).__mro__:
        if kind in PROBLEMS:
            return PROBLEMS[kind]
    if _is_lost_database(error):
        return UNAVAILABLE
    if isinstance(error, exceptions.APIException):
        return Problem(error.status_code, error.default_code, str(error.default_detail))
    return UNEXPECTED


def _is_lost_database(error: BaseException) -> bool:
    """Say whether the server is gone, is going, is full, gave up waiting, or is no primary now.

    In each case the same request may succeed a moment later.
    """
    return isinstance(error, (OperationalError, InterfaceError)) or _is_read_only(error)


def _is_read_only(error: BaseException) -> bool:
    return isinstance(error, InternalError) and isinstance(error.__cause__, ReadOnlySqlTransaction)


def _leave_read_only_server(error: BaseException) -> None:
    """Connect anew next time: a primary that became a replica answers the health check as ever."""
    if _is_read_only(error) and not connection.in_atomic_block:
        connection.close()


def _detail(error: Exception, problem: Problem) -> str:
    if problem in (UNEXPECTED, UNAVAILABLE) or isinstance(
        error, (Http404, SuspiciousOperation, exceptions.ValidationError)
    ):
        return str(problem.title)
    return str(error) or str(problem.title)


def _headers(error: Exception, problem: Problem) -> dict[str, str]:
    headers: dict[str, str] = {}
    if problem.status == HTTPStatus.UNAUTHORIZED:
        scheme = problem.code.rsplit("_", 1)[0]
        headers["WWW-Authenticate"] = CHALLENGES[scheme]
    if problem is UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER)
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(math.ceil(wait) or 1)
    return headers


def _body(problem: Problem, *, detail: str) -> dict[str, Any]:
    return {
        "type": f"urn:mimivibes:problem:{problem.code}",
        "title": str(problem.title),
        "status": problem.status,
        "detail": detail,
        "code": problem.code,
    }


def _field_errors(details: Any, path: str = "") -> Iterator[dict[str, str]]:
    if isinstance(details, dict) and "message" in details and "code" in details:
        yield {"field": path, "code": str(details["code"]), "detail": str(details["message"])}
    elif isinstance(details, dict):
        for name, inner in details.items():
            field = path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
            yield from _field_errors(inner, field)
    else:
        for inner in details:
            yield from _field_errors(inner, path)
