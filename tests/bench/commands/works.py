"""The commands that are tried, and what is put before them: a backlog on the large database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connection
from django.db.models import Count
from django.utils import timezone

from accounts.models import User, WebhookReceipt
from outbox.models import OutboxMessage
from referrals.models import Attribution
from referrals.services.releases import releasable
from rewards.models import Transaction
from tests.accounts.clerk_server import ClerkServer
from tests.bench.commands.procedure import Work
from tests.clerk import event, user_object
from tests.outbox.svix_server import APP, TOKEN, SvixServer

BACKLOG = 5_000
MESSAGES = 1_000_000
NEW_NAME = "Ploy"
PRODUCTION = {"DJANGO_SETTINGS_MODULE": "mimivibes.settings"}
"""Settings that take their way to others from the environment."""


def releases() -> Work:
    """Referrers' rewards whose hold is over; those beyond the backlog are left for another year."""
    now = timezone.now()
    due = set(releasable(now).order_by("?").values_list("pk", flat=True)[:BACKLOG])
    later = releasable(now).exclude(pk__in=due).values("pk")
    Attribution.objects.filter(pk__in=later).update(release_at=now + timedelta(days=365))
    keys = [f"attribution:{pk}:referrer" for pk in due]

    def is_right() -> bool:
        paid = Transaction.objects.filter(idempotency_key__in=keys).count()
        return paid == Attribution.objects.filter(pk__in=due, status="rewarded").count() == len(due)

    return Work(["release_rewards"], lambda: releasable(timezone.now()).count(), is_right=is_right)


def deliveries() -> Work:
    """Failed deliveries: half about people who are known, half about new ones."""
    people = _people()
    _fill_inbox([*people[: BACKLOG // 2], *(f"user_new_{n}" for n in range(BACKLOG // 2))])
    mine = WebhookReceipt.objects.filter(svix_id__startswith="msg_backlog_")
    named = User.objects.filter(first_name=NEW_NAME, last_name="Backlog")
    return Work(
        ["process_webhooks"],
        mine.filter(processed_at=None).count,
        is_right=lambda: named.count() == mine.filter(status="processed").count() == BACKLOG,
        take_over=lambda: mine.filter(processed_at=None).update(next_attempt_at=timezone.now()),
    )


def _fill_inbox(people: list[str]) -> None:
    now = timezone.now()
    WebhookReceipt.objects.bulk_create(
        (
            WebhookReceipt(
                svix_id=f"msg_backlog_{n}",
                type="user.updated",
                clerk_id=clerk_id,
                payload=event("user.updated", _profile(clerk_id, last_name="Backlog")),
                status="failed",
                attempts=1,
                received_at=now,
                next_attempt_at=now,
            )
            for n, clerk_id in enumerate(people)
        ),
        batch_size=5_000,
    )


@contextmanager
def profiles() -> Iterator[Work]:
    """People whose profile has not come yet, in a server that plays Clerk."""
    people = _people()[-BACKLOG:]
    User.objects.filter(clerk_id__in=people).update(clerk_updated_at=None, first_name="")
    missing = User.objects.filter(clerk_id__in=people, clerk_updated_at=None)
    named = User.objects.filter(clerk_id__in=people, first_name=NEW_NAME)
    with ClerkServer() as clerk:
        clerk.users = [_profile(clerk_id) for clerk_id in people]
        env = {"CLERK_SECRET_KEY": "sk_test_key", "CLERK_API_URL": clerk.url}
        yield Work(
            ["sync_clerk_users", "--missing"],
            missing.count,
            is_right=lambda: named.count() == BACKLOG,
            env={**PRODUCTION, **env},
        )


@contextmanager
def messages() -> Iterator[Work]:
    """A million messages that were sent, and a backlog that waits, for a server that plays Svix."""
    with connection.cursor() as cursor:
        cursor.execute(_MESSAGES, {"messages": MESSAGES, "each": MESSAGES // BACKLOG})
        cursor.execute("VACUUM (ANALYZE) outbox_outboxmessage")
    waiting = OutboxMessage.objects.waiting()
    due = {str(pk) for pk in waiting.values_list("pk", flat=True)}
    with SvixServer() as svix:
        env = {"SVIX_TOKEN": TOKEN, "SVIX_APP": APP, "SVIX_SERVER_URL": svix.url}
        yield Work(
            ["send_outbox"],
            waiting.count,
            is_right=lambda: set(svix.messages) == due,
            take_over=lambda: waiting.update(due_at=timezone.now()),
            env={**PRODUCTION, **env},
        )


_MESSAGES = """
INSERT INTO outbox_outboxmessage (id, type, data, created_at, attempts, due_at, sent_at, failure)
SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - 86400000 + n * 50), 12, '0') || '7'
        || lpad(to_hex(n %% 4096), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid,
       'balance.changed', '{"user_id": "user_x"}', now(), 0,
       CASE WHEN n %% %(each)s = 0 THEN now() END, CASE WHEN n %% %(each)s > 0 THEN now() END, ''
FROM generate_series(1, %(messages)s::bigint) AS n
"""


def busiest() -> tuple[User, int]:
    """Return who has invited the most, and how many."""
    row = (
        Attribution.objects.filter(referrer__deleted_at=None)
        .values("referrer")
        .annotate(invited=Count("pk"))
        .latest("invited")
    )
    return User.objects.get(pk=row["referrer"]), row["invited"]


def _people() -> list[str]:
    """Return the Clerk ids of people in good standing, as many as two backlogs need."""
    standing = User.objects.filter(clerk_id__isnull=False, deleted_at=None, banned_at=None)
    return [
        str(i) for i in standing.order_by("pk").values_list("clerk_id", flat=True)[: 2 * BACKLOG]
    ]


def _profile(clerk_id: str, **names: str) -> dict[str, object]:
    # Clerk's is newer than what came before, and tells when the account was made: long ago.
    now = timezone.now()
    return user_object(
        clerk_id,
        first_name=NEW_NAME,
        created_at=now - timedelta(days=400),
        updated_at=now,
        **names,
    )
