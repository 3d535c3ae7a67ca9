"""Prove from the database, after the load, that the journal is the whole truth."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

import psycopg

from deploy.trial.cluster import Cluster
from deploy.trial.load import Journal
from deploy.trial.waiting import until

CURRENCIES = ("stars", "free_points", "coins", "exp")
MOVED = ("spend", "grant", "exchange")


def differences(cluster: Cluster, journal: Journal, inviter: str) -> Iterator[str]:
    """Name whatever differs between what callers were told and what the primary holds."""
    with cluster.on_primary() as connection:
        yield from _differences("claims", _ids(journal, "claim"), _column(connection, _CLAIMS))
        yield from _differences("events", _ids(journal, "event"), _column(connection, _EVENTS))
        for kind in MOVED:
            stored = _column(connection, _TRANSACTIONS, kind)
            yield from _differences(f"{kind}s", _ids(journal, kind), stored)
        yield from _statuses(connection, journal)
        yield from _balances(connection, journal, inviter)


def _ids(journal: Journal, kind: str) -> list[str]:
    return [record["id"] for record in journal.of(kind)]


def _differences(what: str, acknowledged: list[str], stored: list[str]) -> Iterator[str]:
    """Compare what was acknowledged with what is stored, each exactly once."""
    for id_, times in Counter(acknowledged).items():
        if times > 1:
            yield f"{what}: {id_} was acknowledged {times} times as new."
    for id_, times in Counter(stored).items():
        if times > 1:
            yield f"{what}: {id_} is stored {times} times."
    for id_ in set(acknowledged) - set(stored):
        yield f"{what}: {id_} was acknowledged, and is lost."
    for id_ in set(stored) - set(acknowledged):
        yield f"{what}: {id_} is stored, and nobody was told."


def _statuses(connection: psycopg.Connection[Any], journal: Journal) -> Iterator[str]:
    readers = {record["person"] for record in journal.of("event")}
    stored = dict(connection.execute(_STATUSES).fetchall())
    for record in journal.of("claim"):
        wanted = "rewarded" if record["person"] in readers else "pending"
        if (found := stored.get(record["person"])) != wanted:
            yield f"The claim of {record['person']} is {found}, not {wanted}."


def _balances(connection: psycopg.Connection[Any], journal: Journal, inviter: str) -> Iterator[str]:
    stored: dict[str, Counter[str]] = {}
    for person, currency, amount in connection.execute(_BALANCES).fetchall():
        stored.setdefault(person, Counter())[currency] = amount
    for person, wanted in _expected(connection, journal, inviter).items():
        found = stored.get(person, Counter())
        if any(found[currency] != wanted[currency] for currency in CURRENCIES):
            yield f"{person} has {dict(found)}, by the journal {dict(wanted)}."


def _expected(
    connection: psycopg.Connection[Any], journal: Journal, inviter: str
) -> dict[str, Counter[str]]:
    """Work out everybody's balances from the journal, the rules and the terms alone."""
    rules = [
        (trigger, threshold, Counter(dict(zip(CURRENCIES, amounts, strict=True))))
        for trigger, threshold, *amounts in connection.execute(_RULES).fetchall()
    ]
    terms = connection.execute(_REFERRER_REWARD).fetchone() or (0, 0, 0, 0)
    expected = {inviter: _paid(rules, "user.provisioned", 1)}
    for kind in ("claim", *MOVED):
        for record in journal.of(kind):
            if record["person"] not in expected:
                expected[record["person"]] = _paid(rules, "user.provisioned", 1)
            expected[record["person"]].update(record.get("amounts") or record["reward"])
    readings = Counter(record["person"] for record in journal.of("event"))
    for person, count in readings.items():
        expected[person].update(_paid(rules, "reading.completed", count))
        expected[inviter].update(Counter(dict(zip(CURRENCIES, terms, strict=True))))
    return expected


def _paid(rules: list[tuple[str, int, Counter[str]]], trigger: str, count: int) -> Counter[str]:
    total: Counter[str] = Counter()
    for of, threshold, amounts in rules:
        if of == trigger and threshold <= count:
            total.update(amounts)
    return total


def _column(connection: psycopg.Connection[Any], query: str, *values: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(query.encode(), values).fetchall()]


def replicas_are_equal(cluster: Cluster) -> Iterator[str]:
    """Wait until both replicas have all that the primary wrote; name each table that differs."""
    primary = int(cluster.primary() or 0)
    with cluster.connected() as connections:
        position = _scalar(connections[primary], "SELECT pg_current_wal_lsn()::text")
        replicas = {node: c for node, c in connections.items() if node != primary}
        for node, connection in replicas.items():
            has_replayed = _HAS_REPLAYED.replace("POSITION", position)
            until(f"node {node} has caught up", partial(_scalar, connection, has_replayed))
        for (table,) in connections[primary].execute(_TABLES).fetchall():
            digests = {n: _digest(c, table) for n, c in connections.items()}
            if len(set(digests.values())) > 1:
                yield f"{table} differs between the nodes: {digests}."


def _digest(connection: psycopg.Connection[Any], table: str) -> str:
    return str(_scalar(connection, _DIGEST.replace("TABLE_NAME", f'"{table}"')))


def _scalar(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


# Everything of the load bears its mark: its people are user_c<number>…, its keys c<number>-….
_CLAIMS = """
SELECT a.id FROM referrals_attribution a JOIN accounts_user u ON u.id = a.referee_id
WHERE u.clerk_id ~ '^user_c[0-9]+reads'
"""
_EVENTS = "SELECT event_id FROM referrals_qualifyingevent WHERE event_id ~ '^c[0-9]+-'"
_TRANSACTIONS = """
SELECT id FROM rewards_transaction WHERE kind = %s AND idempotency_key ~ ':c[0-9]+-[0-9]+$'
"""
_STATUSES = b"""
SELECT u.clerk_id, a.status FROM referrals_attribution a JOIN accounts_user u ON u.id = a.referee_id
"""
_BALANCES = b"""
SELECT u.clerk_id, b.currency, b.amount FROM rewards_balance b JOIN accounts_user u
ON u.id = b.user_id
"""
_RULES = b"""
SELECT trigger, threshold, stars, free_points, coins, exp FROM rewards_rewardrule WHERE is_active
"""
_REFERRER_REWARD = b"""
SELECT referrer_stars, referrer_free_points, referrer_coins, referrer_exp
FROM referrals_programterms ORDER BY version DESC LIMIT 1
"""
_TABLES = b"""
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
_HAS_REPLAYED = "SELECT pg_last_wal_replay_lsn() >= 'POSITION'"
_DIGEST = (
    "SELECT count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)), 0) FROM TABLE_NAME t"
)
