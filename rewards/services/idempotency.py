"""Answer a request once, however often it is sent under its `Idempotency-Key`."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from rewards.amounts import Amounts
from rewards.models import IdempotencyRecord, Transaction
from rewards.services.balances import balances_of
from rewards.services.posting import IdempotencyKeyReused, fingerprint_of


class Answer(NamedTuple):
    """A response's body, and whether it is an earlier one again."""

    body: dict[str, Any]
    replayed: bool


def answer_once(
    *,
    caller: str,
    key: str,
    content: Any,
    now: datetime,
    work: Callable[[str], Transaction],
    render: Callable[[Transaction, Amounts], dict[str, Any]],
) -> Answer:
    """Do `work`, given its key on the ledger, and keep the rendered answer; or return the kept one.

    One database transaction holds the record, the work and the answer: a second request under the
    same caller and key waits for the first, and what is refused leaves no trace and may be tried
    again. Once the record is cleaned up, the key on the ledger still finds the first transaction.

    Raises `IdempotencyKeyReused` if `content` differs from the first, and what `work` raises.
    """
    fingerprint = fingerprint_of(content)
    with transaction.atomic():
        while not (record_id := _reserve(caller=caller, key=key, fingerprint=fingerprint, now=now)):
            earlier = IdempotencyRecord.objects.filter(caller=caller, key=key).first()
            if earlier:
                return _replay(earlier, fingerprint=fingerprint)
            # A clean-up took the record just now: the key is free again.
        done = work(f"{caller}:{key}")
        body = render(done, balances_of(done.user_id))
        IdempotencyRecord.objects.filter(pk=record_id).update(body=body)
        return Answer(body, replayed=False)


def forget_answers(*, caller: str) -> int:
    """Drop the answers kept for this caller; return how many. Their keys stay on the ledger."""
    kept = IdempotencyRecord.objects.filter(caller=caller)
    return kept._raw_delete(kept.db)


def _reserve(*, caller: str, key: str, fingerprint: str, now: datetime) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO rewards_idempotencyrecord (caller, key, fingerprint, body, created_at)"
            " VALUES (%s, %s, %s, '{}', %s) ON CONFLICT (caller, key) DO NOTHING RETURNING id",
            [caller, key, fingerprint, now],
        )
        row = cursor.fetchone()
        return row[0] if row else None


def _replay(record: IdempotencyRecord, *, fingerprint: str) -> Answer:
    if record.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    return Answer(record.body, replayed=True)
