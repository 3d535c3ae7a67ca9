"""`make bench ONLY=commands`: each on the large database, and what it has then done."""

import os
from collections.abc import Iterator

from django.db import connection

from accounts.models import User
from referrals.models import Attribution, FunnelDay
from rewards.models import Entry, IssuedDay
from tests.bench.big import data
from tests.bench.bulk import connect
from tests.bench.commands import works
from tests.bench.commands.procedure import Told, in_turn, repeated, shared, whole
from tests.bench.telling import say, tell
from tests.server import copied_database

NAME = "mimivibes_commands"


def main() -> bool:
    """Print the table; raises `WentWrong` where a command lost or repeated something."""
    data.prepare(say)
    connection.close()
    say(f"A copy of it ({NAME}), for the commands change it ...")
    copied_database(NAME, of=data.NAME)
    connect(NAME)
    tell(f"Load {os.getloadavg()[0]:.1f} at the start.\n")
    tell("| command | done | | seconds | a second | how |\n| --- | --: | --- | --: | --: | --- |")
    for told in _tried():
        rate = f"{told.done / told.seconds:,.0f}" if told.done > 1 else ""
        tell(
            f"| `{told.command}` | {told.done:,} | {told.what} | {told.seconds:.1f} | {rate}"
            f" | {told.how} |"
        )
    return True


def _tried() -> Iterator[Told]:
    attributions, entries = Attribution.objects.count(), Entry.objects.count()
    yield whole("verify_ledger", done=entries, what="entries")
    yield shared(works.releases(), what="rewards")
    yield shared(works.deliveries(), what="deliveries")
    with works.profiles() as profiles:
        yield shared(profiles, what="profiles")
    with works.messages() as messages:
        yield shared(messages, what="messages")
    yield repeated("close_days", "--again", state=_days, done=90, what="days")
    person, invited = works.busiest()
    clerk_id = str(person.clerk_id)
    yield whole("explain", clerk_id, done=1, what="person")
    yield whole("export_user", clerk_id, done=1, what=f"person who invited {invited:,}")
    yield whole("erase_user", clerk_id, done=1, what="the same, rehearsed")
    yield in_turn(
        "erase_user", clerk_id, "--apply", state=lambda: _fields(person.pk), done=1, what="the same"
    )
    yield whole("cleanup_all", done=attributions, what="attributions in the tables, rehearsed")
    yield whole("verify_ledger", done=Entry.objects.count(), what="entries, after all that")


def _days() -> object:
    """Return what is kept of the days that are over, whenever it was counted."""
    return [
        sorted(str({**row, "id": None}) for row in model.objects.values())
        for model in (FunnelDay, IssuedDay)
    ]


def _fields(pk: int) -> object:
    return User.objects.values_list("first_name", "email", "deleted_at").get(pk=pk)
