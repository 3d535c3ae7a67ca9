"""The ledger over HTTP: each view reads the request, calls one verb, and shows what it did."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from rewards.amounts import Amounts
from rewards.models import Transaction
from rewards.serializers import (
    ExchangeSerializer,
    GrantSerializer,
    RatesSerializer,
    ReceiptSerializer,
    ReverseSerializer,
    SpendSerializer,
    StrictSerializer,
    TransactionSerializer,
)
from rewards.services import (
    active_rates,
    answer_once,
    exchange,
    grant_by_clerk_id,
    reverse_by_id,
    spend_by_clerk_id,
)

PRINTABLE = re.compile(r"[\x20-\x7e]{1,255}")


class IdempotencyKeyMissing(Exception):
    """Send an Idempotency-Key header, so that a repeated request is done once."""


class IdempotencyKeyInvalid(Exception):
    """The Idempotency-Key must be 1 to 255 printable ASCII characters."""


def posts(body: type[StrictSerializer], summary: str) -> Callable[[Any], Any]:
    """Describe an operation that posts one transaction under an `Idempotency-Key`."""
    return extend_schema(
        summary=summary,
        request=body,
        responses={HTTPStatus.CREATED: ReceiptSerializer},
        parameters=[
            OpenApiParameter(
                "Idempotency-Key",
                {"type": "string", "minLength": 1, "maxLength": 255},
                OpenApiParameter.HEADER,
                required=True,
                description="Repeat a request under the same key: it is done once.",
            ),
            OpenApiParameter(
                "Idempotency-Replayed",
                {"type": "string", "enum": ["true"]},
                OpenApiParameter.HEADER,
                response=[HTTPStatus.CREATED],
                description="Present on the first answer given again.",
            ),
        ],
    )


class TransactionsView(ListAPIView[Transaction]):
    """The caller's own transactions, newest first."""

    serializer_class = TransactionSerializer
    queryset = Transaction.objects.none()
    ordering: ClassVar[tuple[str, ...]] = ("-created_at", "-id")

    def get_queryset(self) -> QuerySet[Transaction]:
        return Transaction.objects.of(_user_id(self.request)).with_amounts()

    @extend_schema(summary="List one's own transactions")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class RatesView(APIView):
    reads_may_lag = True

    @extend_schema(summary="List the exchange rates in force", responses=RatesSerializer)
    def get(self, request: Request) -> Response:
        return Response(RatesSerializer({"results": active_rates()}).data)


class ExchangeView(APIView):
    @posts(ExchangeSerializer, "Exchange one currency for another")
    def post(self, request: Request) -> Response:
        user_id = _user_id(request)
        return _answer(
            request,
            ExchangeSerializer,
            lambda asked, **context: exchange(
                user_id=user_id,
                from_=asked["from"],
                to=asked["to"],
                units=asked["units"],
                **context,
            ),
        )


class SpendView(APIView):
    required_scope = "rewards:spend"

    @posts(SpendSerializer, "Spend a user's balance")
    def post(self, request: Request) -> Response:
        return _answer(
            request,
            SpendSerializer,
            lambda asked, **context: spend_by_clerk_id(
                clerk_id=asked["user_id"],
                amount=asked["amount"],
                order=asked["from"],
                reason=asked["reason"],
                **context,
            ),
        )


class GrantsView(APIView):
    """A deleted or banned user is given nothing: 422 `user_gone`."""

    required_scope = "rewards:grant"

    @posts(GrantSerializer, "Grant amounts to a user")
    def post(self, request: Request) -> Response:
        return _answer(
            request,
            GrantSerializer,
            lambda asked, **context: grant_by_clerk_id(
                clerk_id=asked["user_id"],
                amounts=Amounts(**asked["amounts"]),
                reason=asked["reason"],
                **context,
            ),
        )


class ReverseView(APIView):
    required_scope = "rewards:grant"

    @posts(ReverseSerializer, "Reverse a transaction")
    def post(self, request: Request, id: str) -> Response:
        return _answer(
            request,
            ReverseSerializer,
            lambda asked, **context: reverse_by_id(
                transaction_id=id, reason=asked["reason"], **context
            ),
        )


def _answer(
    request: Request, body: type[StrictSerializer], verb: Callable[..., Transaction]
) -> Response:
    key = _idempotency_key(request)
    serializer = body(data=request.data)
    serializer.is_valid(raise_exception=True)
    asked, now = serializer.validated_data, timezone.now()
    answer = answer_once(
        caller=_caller(request),
        key=key,
        content=[request.path, asked],
        now=now,
        work=lambda ledger_key: verb(asked, key=ledger_key, actor=_actor(request), now=now),
        render=_receipt,
    )
    return Response(
        answer.body,
        status=HTTPStatus.CREATED,
        headers={"Idempotency-Replayed": "true"} if answer.replayed else None,
    )


def _idempotency_key(request: Request) -> str:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        raise IdempotencyKeyMissing
    if not PRINTABLE.fullmatch(key):
        raise IdempotencyKeyInvalid
    return key


def _user_id(request: Request) -> int:
    user: Any = request.user
    return int(user.pk)


def _caller(request: Request) -> str:
    credentials: Any = request.auth
    return str(credentials.caller)


def _actor(request: Request) -> str:
    impersonator = getattr(request.auth, "impersonator", None)
    caller = _caller(request)
    return f"{caller}, impersonated by {impersonator}" if impersonator else caller


def _receipt(transaction: Transaction, balances: Amounts) -> dict[str, Any]:
    return dict(ReceiptSerializer({"transaction": transaction, "balances": balances}).data)
