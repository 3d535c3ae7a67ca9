"""Bring in people whom another system knew, whole pages of them at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Somebody as the other system knew them; a deleted one brings no personal data.

    `seen_at` is since when they were known there.
    """

    clerk_id: str
    seen_at: datetime
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    image_url: str = ""
    account_created_at: datetime | None = None
    deleted_at: datetime | None = None


def import_people(*, people: Sequence[KnownPerson]) -> dict[str, int]:
    """Make a row for each who has none, and return the row ids of those made, by Clerk id.

    Whoever has a row already keeps it as it is. No `user_provisioned` is sent: these people were
    welcomed elsewhere, and what else they are to have is for the importer to bring. Their profile
    counts as never received from Clerk, so that the next webhook or synchronisation replaces it.
    """
    # In one order, so that a parallel first request is waited for in one direction only.
    rows = sorted(people, key=lambda person: person.clerk_id)
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                [person.clerk_id for person in rows],
                [person.email for person in rows],
                [person.first_name for person in rows],
                [person.last_name for person in rows],
                [person.image_url for person in rows],
                [person.account_created_at for person in rows],
                [person.seen_at for person in rows],
                [person.deleted_at for person in rows],
            ],
        )
        return {clerk_id: pk for pk, clerk_id in cursor.fetchall()}


_INSERT = """
INSERT INTO accounts_user (
    clerk_id, email, first_name, last_name, image_url, account_created_at, created_at, deleted_at,
    password, email_verified, is_superuser, is_staff, is_active
)
SELECT *, '!', false, false, false, true
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[],
            %s::timestamptz[], %s::timestamptz[])
ON CONFLICT (clerk_id) DO NOTHING
RETURNING id, clerk_id
"""
