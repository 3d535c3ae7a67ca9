"""Give: the house issues amounts to a user."""

from datetime import datetime
from typing import Any, Protocol

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils.module_loading import import_string
from django.utils.translation import gettext_noop

from rewards.amounts import Amounts
from rewards.models import Account, Transaction
from rewards.services.posting import Posting, from_house, in_transaction, post


class Recipient(Protocol):
    """What rewards needs to know of a user."""

    @property
    def pk(self) -> Any: ...

    @property
    def is_gone(self) -> bool: ...

    @property
    def known_as(self) -> str: ...


class Resolver(Protocol):
    """What `settings.REWARDS_USER_RESOLVER` names: find the user, or make one."""

    def __call__(self, *, clerk_id: str, now: datetime) -> Recipient: ...


class UserGone(Exception):
    """This user is deleted or banned, and is given nothing."""

    sentence = gettext_noop("This user is deleted or banned, and is given nothing.")


def grant(
    *,
    user_id: int,
    amounts: Amounts,
    kind: str,
    key: str,
    now: datetime,
    reference: str = "",
    memo: str = "",
    note: str = "",
    actor: str = "",
) -> Transaction:
    """Issue `amounts` (none negative, not all zero) to a user, once for each `key`.

    The user reads `memo`; `note` is for staff. The same key with the same content returns the first
    transaction. Raises `IdempotencyKeyReused`
    for other content.
    """
    if not amounts or any(amount < 0 for _, amount in amounts):
        raise ValueError(f"A grant gives something and takes nothing: {amounts}")
    posting = Posting(
        user_id=user_id,
        kind=kind,
        key=key,
        lines=from_house(Account.ISSUED, amounts),
        reference=reference,
        memo=memo,
        note=note,
        actor=actor,
    )
    return post([posting], now=now)[0]


def grant_by_clerk_id(
    *, clerk_id: str, amounts: Amounts, reason: str, key: str, actor: str, now: datetime
) -> Transaction:
    """Issue `amounts` to the user whom a service names by Clerk id, provisioned if unknown.

    Raises `UserGone` for a deleted or banned one, and what `grant` raises.
    """
    resolve: Resolver = import_string(settings.REWARDS_USER_RESOLVER)
    with in_transaction():
        user = lock_recipient(resolve(clerk_id=clerk_id, now=now).pk)
        return grant(
            user_id=user.pk,
            amounts=amounts,
            kind="grant",
            key=key,
            memo=reason,
            actor=actor,
            now=now,
        )


def lock_recipient(user_id: int) -> Recipient:
    """Lock a user's row, so that they are not erased meanwhile. Raises `UserGone`."""
    user: Any = get_user_model().objects.select_for_update(no_key=True).get(pk=user_id)
    if user.is_gone:
        raise UserGone
    recipient: Recipient = user
    return recipient
