"""The report on unused tables in words, and as what `--json` prints."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from accounts.management.reporting import size_in_words
from mimivibes.maintenance.unused_tables.evidence import Evidence
from mimivibes.models import UnusedTableBackup

PROVES_SOMETHING = timedelta(days=30)


def in_words(
    evidence: Sequence[Evidence],
    records: Sequence[UnusedTableBackup],
    *,
    since: datetime | None,
    now: datetime,
) -> Iterator[str]:
    """Say it for a terminal: each table, what hangs on it, and how much the figures prove."""
    if not evidence:
        yield "Every table has an owner."
        return
    away = {record.oid: record for record in records if record.is_in_quarantine}
    backed_up = {record.oid: record for record in reversed(records)}
    for one in evidence:
        yield from _table(one, away.get(one.table.oid), backed_up.get(one.table.oid))
        yield ""
    yield f"{len(evidence)} tables without an owner. {how_much_uses_prove(since, now=now)}"
    yield "No owner means: no installed model, many-to-many, migration or extension has the table."
    yield "Other programs, and reads on a replica, are not seen from here: ask before quarantine."


def as_facts(
    evidence: Sequence[Evidence],
    records: Sequence[UnusedTableBackup],
    *,
    since: datetime | None,
    now: datetime,
) -> dict[str, Any]:
    """Return it as one object for `--json`."""
    away = {record.oid: record for record in records if record.is_in_quarantine}
    backed_up = {record.oid: record for record in reversed(records)}
    return {
        "uses_counted_since": _time(since),
        "uses_prove": how_much_uses_prove(since, now=now),
        "tables": [
            {
                **{name: value for name, value in asdict(one).items() if name != "table"},
                "table": one.table.quoted,
                "schema": one.table.schema,
                "name": one.table.name,
                "last_read_at": _time(one.last_read_at),
                "backup": _time(backed_up[oid].verified_at) if oid in backed_up else None,
                "quarantined_at": _time(away[oid].quarantined_at) if oid in away else None,
                "name_before": away[oid].name if oid in away else None,
            }
            for one in evidence
            for oid in (one.table.oid,)
        ],
    }


def how_much_uses_prove(since: datetime | None, *, now: datetime) -> str:
    if since is None:
        return "Reads and writes are counted since the database was made; nobody reset them."
    days = (now - since).days
    told = f"Reads and writes are counted since {since:%Y-%m-%d %H:%M %Z} only ({days} days)"
    if now - since < PROVES_SOMETHING:
        return f"{told}, when statistics were reset: that is short, so they prove little."
    return f"{told}, when statistics were reset."


def _table(
    one: Evidence, away: UnusedTableBackup | None, backup: UnusedTableBackup | None
) -> Iterator[str]:
    yield one.table.quoted
    total, rows, indexes, long_values = (
        size_in_words(size)
        for size in (one.total_bytes, one.table_bytes, one.index_bytes, one.toast_bytes)
    )
    yield f"  {total} (rows {rows}, indexes {indexes}, long values {long_values}), {_rows(one)}"
    last = f", last read {one.last_read_at:%Y-%m-%d %H:%M %Z}" if one.last_read_at else ""
    yield f"  {one.reads:,} reads, {one.writes:,} rows written{last}"
    for told, names in (
        ("owned tables that refer to it", one.keys_of_owned_tables),
        ("unused tables that refer to it", one.keys_of_unused_tables),
        ("views that read it", one.views),
        ("what else depends on it", one.dependents),
        ("functions that mention its name", one.functions_that_mention_it),
        ("its sequences", one.sequences),
        ("its triggers", one.triggers),
    ):
        if names:
            yield f"  {told}: {', '.join(names)}"
    if away:
        yield f"  in quarantine since {away.quarantined_at:%Y-%m-%d %H:%M %Z}, was {away.name}"
    elif backup:
        yield f"  backed up at {backup.verified_at:%Y-%m-%d %H:%M %Z} in {backup.folder}"


def _rows(one: Evidence) -> str:
    if one.rows is not None:
        return f"{one.rows:,} rows"
    if one.estimated_rows is None:
        return "rows never estimated (ANALYZE, or --count)"
    return f"about {one.estimated_rows:,} rows"


def _time(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
