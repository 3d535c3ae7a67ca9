"""Provision, describe, ban and erase people.

A first request, `user.created`, `user.updated` and `user.deleted` come in any order, any number of
times and at once, and must end in the same row. Therefore: a row is made by one INSERT that yields
to whoever was first; a profile of Clerk's applies only if it is newer than the last one applied;
token claims fill gaps only while Clerk has said nothing; and a tombstone takes nothing any more.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext_noop

from accounts.clerk.profiles import ClerkProfile
from accounts.clerk.tokens import SessionClaims, TokenProfile
from accounts.identity import Identity
from accounts.models import User, WebhookReceipt
from accounts.signals import account_age_learned, user_erased, user_provisioned


class AccountDeleted(Exception):
    """This account has been deleted."""


class AccountBanned(Exception):
    """This account has been banned."""


@dataclass(frozen=True, slots=True)
class Erased:
    """Whom an erasure made a tombstone, and how many rows it did what to, in every app."""

    user: User
    rows: dict[str, int]


@dataclass(frozen=True, slots=True)
class Unapplied:
    """Why a profile changed nothing."""

    reason: str


def identify(*, claims: SessionClaims, now: datetime) -> Identity:
    """Return who sends a verified token, provisioned if they are new.

    Costs one query for somebody known whose gaps the token cannot fill. Raises `AccountDeleted` or
    `AccountBanned`.
    """
    user = User.objects.filter(clerk_id=claims.clerk_id).first()
    if user is None:
        user = _insert_or_find(clerk_id=claims.clerk_id, now=now, profile=claims.profile)
    elif not user.is_gone:
        _fill_gaps(user=user, profile=claims.profile, now=now)
    if user.deleted_at:
        raise AccountDeleted
    if user.banned_at:
        raise AccountBanned
    return Identity(user, claims.session_id, claims.impersonator)


def provision_user(*, clerk_id: str, now: datetime, profile: TokenProfile | None = None) -> User:
    """Return the person with this Clerk id, made at first sight; safe under parallel first sights.

    Sends `user_provisioned`, in the same transaction, if it made the row. Returns the deleted and
    the banned too: see `User.is_gone`.
    """
    user = User.objects.filter(clerk_id=clerk_id).first()
    return user or _insert_or_find(clerk_id=clerk_id, now=now, profile=profile or TokenProfile())


def apply_clerk_profile(*, profile: ClerkProfile, now: datetime) -> User | Unapplied:
    """Bring a person, provisioned if new, to what Clerk says of them; return why not, if not.

    Only a profile newer than the last one applied counts, whatever order they come in; from an
    older one no more than a missing creation time is taken. Sends `account_age_learned` if that was
    not known. A ban dates from the newest profile that shows it, so that every order of deliveries
    ends alike.
    """
    values = _values_of(profile)
    with transaction.atomic():
        made = _insert(clerk_id=profile.clerk_id, now=now, values=values)
        if made:
            user_provisioned.send(sender=User, user=made, now=now)
            return made
        user = _locked(profile.clerk_id)
        if user.deleted_at:
            forget_payloads(clerk_id=profile.clerk_id)
            return Unapplied(gettext_noop("The account has been deleted."))
        if user.clerk_updated_at and profile.updated_at <= user.clerk_updated_at:
            if user.account_created_at or not profile.account_created_at:
                return Unapplied(gettext_noop("Not newer than what is known."))
            values = {"account_created_at": profile.account_created_at}
        _update(user, values, now)
        return user


def learn_account_age(*, user: User, account_created_at: datetime, now: datetime) -> None:
    """Note when Clerk made the account, if that was not known; the caller holds the row's lock.

    Sends `account_age_learned` if it became known.
    """
    if user.account_created_at is None:
        _update(user, {"account_created_at": account_created_at}, now)


def erase_user(*, clerk_id: str, now: datetime) -> Erased | Unapplied:
    """Remove a person's data and leave a tombstone that nothing resurrects, known before or not.

    All at once: one transaction, under the lock of the person's row. Clears their stored webhook
    payloads. Sends `user_erased` if somebody known was erased, which happens once.
    """
    with transaction.atomic():
        known = User.objects.select_for_update(no_key=True).filter(clerk_id=clerk_id).first()
        user = _entomb(clerk_id, now)
        forgotten = forget_payloads(clerk_id=clerk_id)
        if user is None:
            return Unapplied(gettext_noop("The account had been deleted already."))
        rows = {"webhook_payloads_cleared": forgotten + _forget_mentions(clerk_id, known)}
        if not user.is_new:  # type: ignore[attr-defined]
            told: list[Any] = user_erased.send(sender=User, user=user, now=now)
            for _receiver, done in told:
                rows |= done or {}
        return Erased(user, rows)


def forget_payloads(*, clerk_id: str) -> int:
    """Clear what webhooks said of a person; return how many did."""
    about = WebhookReceipt.objects.filter(clerk_id=clerk_id, payload__isnull=False)
    return about.update(payload=None)


def forget_payloads_of_the_gone(*, clerk_id: str) -> None:
    """Clear what webhooks said of somebody who is erased, also if that happens at this moment."""
    with transaction.atomic():
        known = User.objects.select_for_update(no_key=True).filter(clerk_id=clerk_id).first()
        if known and known.deleted_at:
            forget_payloads(clerk_id=clerk_id)


def _forget_mentions(clerk_id: str, known: User | None) -> int:
    """Clear deliveries about nobody in particular that name the person: an invitation by e-mail."""
    about_nobody = WebhookReceipt.objects.filter(clerk_id="", payload__isnull=False)
    mentions = Q(text__contains=clerk_id)
    if known and known.email:
        mentions |= Q(text__icontains=known.email)
    in_words = about_nobody.annotate(text=Cast("payload", TextField()))
    return in_words.filter(mentions).update(payload=None)


def _insert_or_find(*, clerk_id: str, now: datetime, profile: TokenProfile) -> User:
    with transaction.atomic():
        made = _insert(clerk_id=clerk_id, now=now, values=asdict(profile))
        if made:
            user_provisioned.send(sender=User, user=made, now=now)
            return made
    # Another request was first; its row is committed by now, for the INSERT waited for it.
    return User.objects.get(clerk_id=clerk_id)


def _insert(*, clerk_id: str, now: datetime, values: dict[str, Any]) -> User | None:
    """Insert a person in one round trip; return None if there is a row for them already."""
    return _upserted(clerk_id, now, values, "NOTHING RETURNING *")


def _entomb(clerk_id: str, now: datetime) -> User | None:
    """Make a row a tombstone, or make one; None if one stands. `is_new` tells which it was."""
    values: dict[str, Any] = {
        **asdict(TokenProfile()),
        "clerk_updated_at": None,
        "banned_at": None,
        "deleted_at": now,
    }
    sets = ", ".join(f"{field} = excluded.{field}" for field in values)
    table = connection.ops.quote_name(User._meta.db_table)
    # xmax is 0 in a row version that an INSERT wrote, and not in one that an UPDATE did.
    clause = f"UPDATE SET {sets} WHERE {table}.deleted_at IS NULL RETURNING *, xmax = 0 AS is_new"
    return _upserted(clerk_id, now, values, clause)


def _upserted(
    clerk_id: str, now: datetime, values: dict[str, Any], on_conflict_do: str
) -> User | None:
    row = {
        "clerk_id": clerk_id,
        "password": "!",  # unusable: people sign in at Clerk
        "is_superuser": False,
        "is_staff": False,
        "is_active": True,
        "created_at": now,
        **values,
    }
    quote = connection.ops.quote_name
    statement = (
        f"INSERT INTO {quote(User._meta.db_table)} ({', '.join(map(quote, row))}) "
        f"VALUES ({', '.join(['%s'] * len(row))}) ON CONFLICT (clerk_id) DO {on_conflict_do}"
    )
    return next(iter(User.objects.raw(statement, list(row.values()))), None)


def _locked(clerk_id: str) -> User:
    return User.objects.select_for_update(no_key=True).get(clerk_id=clerk_id)


def _values_of(profile: ClerkProfile) -> dict[str, Any]:
    return {
        "email": profile.email,
        "email_verified": profile.email_verified,
        "first_name": profile.first_name,
        "last_name": profile.last_name,
        "image_url": profile.image_url,
        "account_created_at": profile.account_created_at,
        "clerk_updated_at": profile.updated_at,
        "banned_at": profile.updated_at if profile.banned else None,
    }


def _update(user: User, values: dict[str, Any], now: datetime) -> None:
    """Write a profile's values; a creation time that is known is not forgotten."""
    age_was_known = user.account_created_at is not None
    if values["account_created_at"] is None:
        values.pop("account_created_at")
    _assign(user, values)
    if user.account_created_at and not age_was_known:
        account_age_learned.send(sender=User, user=user, now=now)


def _assign(user: User, values: dict[str, Any]) -> None:
    for field, value in values.items():
        setattr(user, field, value)
    user.save(update_fields=list(values))


def _fill_gaps(*, user: User, profile: TokenProfile, now: datetime) -> None:
    """Fill what is empty from token claims, while Clerk's own object has not been seen."""
    gaps = _gaps(user, profile)
    if not gaps:
        return
    empty = {field: getattr(user, field) for field in gaps}
    with transaction.atomic():
        # Only if nobody, a webhook or a parallel request, has written there since it was read.
        unchanged = User.objects.filter(
            pk=user.pk, clerk_updated_at=user.clerk_updated_at, deleted_at=None, **empty
        )
        if not unchanged.update(**gaps):
            user.refresh_from_db()
            return
        for field, value in gaps.items():
            setattr(user, field, value)
        if "account_created_at" in gaps:
            account_age_learned.send(sender=User, user=user, now=now)


def _gaps(user: User, profile: TokenProfile) -> dict[str, Any]:
    if user.account_created_at is None and profile.account_created_at:
        gaps: dict[str, Any] = {"account_created_at": profile.account_created_at}
    else:
        gaps = {}
    if user.clerk_updated_at is not None:
        return gaps
    for field in ("email", "first_name", "last_name", "image_url"):
        if not getattr(user, field) and getattr(profile, field):
            gaps[field] = getattr(profile, field)
    same_email = profile.email and profile.email == gaps.get("email", user.email)
    if same_email and profile.email_verified and not user.email_verified:
        gaps["email_verified"] = True
    return gaps
