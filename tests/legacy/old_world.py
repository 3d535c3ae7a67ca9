"""A replaced system with every oddity in known numbers: always the same rows for the same size.

What is ordinary is drawn at random from a fixed seed; the oddities are put in by name, `odd` times
each, and each says what it expects the import to count.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg
from psycopg import sql

SCHEMA = Path(__file__).with_name("schema.sql")
THE_BEGINNING = datetime(2025, 1, 1, tzinfo=UTC)
THE_END = datetime(2026, 10, 1, tzinfo=UTC)


@dataclass
class OldWorld:
    """Rows by table, and what an import of them must count."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    quirks: Counter[str] = field(default_factory=Counter)
    matters: Counter[str] = field(default_factory=Counter)
    invitations: Counter[str] = field(default_factory=Counter)
    _serial: int = 0

    def next(self) -> int:
        self._serial += 1
        return self._serial

    def user(self, **values: Any) -> str:
        """Add a user; return the id."""
        n = self.next()
        row = {
            "id": f"user_{n:027d}",
            "email": f"person{n}@example.com",
            "name": f"Person Number{n}",
            "createdAt": THE_BEGINNING + timedelta(minutes=n),
            "updatedAt": THE_END,
            "stars": 0,
            "freePoint": 0,
            "coins": 0,
            "exp": 0,
            "role": "USER",
            **values,
        }
        self.rows["User"].append(row)
        return str(row["id"])

    def code(self, owner: str, code: str = "", **values: Any) -> str:
        """Add an own code, or with `referredBy` or `isUsed` what an invitation left; return it."""
        n = self.next()
        row = {
            "id": f"code{n:012d}",
            "userId": owner,
            "code": code or f"REF{n:09d}",
            "isUsed": False,
            "createdAt": THE_BEGINNING + timedelta(minutes=n),
            **values,
        }
        self.rows["referral_codes"].append(row)
        return str(row["id"])

    def person(self, **values: Any) -> str:
        """Add a user with a code of their own."""
        owner = self.user(**values)
        self.code(owner)
        return owner

    def invite(self, referrer: str, referee: str, **values: Any) -> str:
        self.quirks["throwaway_code"] += 1
        used = {"referredBy": referrer, "isUsed": True}
        return self.code(referee, **{**used, **values})

    def move(self, owner: str, event_type: str, *, metadata: Any = None, **values: Any) -> str:
        """Add a row of the old ledger."""
        n = self.next()
        row = {
            "id": f"tx{n:012d}",
            "userId": owner,
            "eventType": event_type,
            "metadata": None if metadata is None else json.dumps(metadata),
            "createdAt": THE_BEGINNING + timedelta(minutes=n),
            **values,
        }
        self.rows["PointTransaction"].append(row)
        return str(row["id"])

    def read(self, owner: str, times: int = 1, **values: Any) -> None:
        for _ in range(times):
            n = self.next()
            self.rows["readings"].append(
                {
                    "id": f"reading{n:012d}",
                    "userId": owner,
                    "question": "What will be?",
                    "answer": json.dumps({"cards": [1, 2, 3]}),
                    "type": "tarot",
                    "createdAt": THE_BEGINNING + timedelta(minutes=n),
                    "updatedAt": THE_END,
                    **values,
                }
            )

    def load(self, url: str) -> None:
        """Make the tables at `url` and fill them."""
        with psycopg.connect(url) as connection:
            connection.execute(SCHEMA.read_text())  # type: ignore[arg-type]
        self.fill(url)

    def fill(self, url: str) -> None:
        """Add the rows at `url`, foreign keys off: some of the oddities break them."""
        with psycopg.connect(url) as connection:
            connection.execute("SET session_replication_role = replica")
            for table, rows in self.rows.items():
                columns = sorted({name for row in rows for name in row})
                shapes: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
                for row in rows:  # a column that is not named gets its default
                    shapes[tuple(c for c in columns if c in row)].append(row)
                for names, alike in shapes.items():
                    _copy(connection, table, names, alike)
            connection.execute("ANALYZE")


def _copy(
    connection: "psycopg.Connection[Any]",
    table: str,
    names: tuple[str, ...],
    rows: list[dict[str, Any]],
) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, names))
    )
    with connection.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row([row[name] for name in names])


def old_world(*, people: int, odd: int = 1) -> OldWorld:
    """Return a world of so many ordinary people, and `odd` of each oddity."""
    world = OldWorld()
    _ordinary(world, people, Random(7))
    for _ in range(odd):
        _odd_people(world)
        _odd_codes(world)
        _odd_invitations(world)
        _odd_transactions(world)
    _settings(world)
    return world


def _ordinary(world: OldWorld, people: int, random: Random) -> None:
    known: list[str] = []
    for _ in range(people):
        person = world.person(
            stars=random.randrange(20),
            freePoint=random.randrange(10),
            coins=random.randrange(300),
            exp=random.randrange(5000),
        )
        world.move(person, "welcome_bonus", deltaPoint=5, metadata={"freePointAwarded": 3})
        world.quirks["welcome_constant"] += 1
        world.move(person, "DAILY_LOGIN", deltaCoins=5, deltaExp=10)
        readings = random.choice((0, 0, 1, 2, 5))
        if known and random.random() < 0.3:
            referrer = random.choice(known)
            world.invite(referrer, person)
            if readings and random.random() < 0.8:
                world.move(
                    referrer, "REFERRAL_INVITER", deltaCoins=30, metadata={"invitedUser": person}
                )
            elif readings:
                world.matters["payment_unproven"] += 1
            world.invitations["rewarded" if readings else "pending"] += 1
        world.read(person, readings)
        known.append(person)


def _odd_people(world: OldWorld) -> None:
    world.person(coins=-7, stars=4)
    _both(world, "negative_balance")
    seed = world.person(id=f"seed-{world.next()}", coins=1000, stars=100)
    world.quirks["id_of_seed"] += 1
    world.move(seed, "referral_bonus", deltaCoins=5)
    world.quirks["event_type_of_seed"] += 1
    world.person(name="[Deleted User]", tel="0800000000", coins=11, updatedAt=THE_END)
    world.quirks["tombstone"] += 1
    world.quirks["tel_left"] += 1
    world.person(createdAt=None)
    world.person(createdAt=datetime(2999, 1, 1, tzinfo=UTC))
    world.quirks["account_age_unknown"] += 2
    world.person(name="nobody@example.com", email=f"no address {world.next()}")
    world.quirks["name_unusable"] += 1
    world.quirks["email_unusable"] += 1
    world.person(name="N" * 300)
    world.quirks["name_cut"] += 1
    shared = f"shared{world.next()}@example.com"
    world.person(email=shared)
    world.person(email=shared.upper())
    world.matters["shared_email"] += 1
    world.person(role="ADMIN")
    world.quirks["legacy_admin"] += 1
    world.read(world.person(), isDeleted=True)
    world.quirks["reading_deleted"] += 1


def _both(world: OldWorld, name: str) -> None:
    world.quirks[name] += 1
    world.matters[name] += 1


def _odd_codes(world: OldWorld) -> None:
    several = world.person()
    world.code(several)
    world.quirks["own_codes_several"] += 1
    world.user()
    world.quirks["own_code_missing"] += 1
    n = world.next()
    world.code(world.user(), f"Fold{n}a")
    world.code(world.user(), f"fold-{n} A")
    world.matters["code_collision"] += 1
    world.code(world.user(), f"รหัส{n}")
    world.code(world.user(), f"under_score_{n}")
    world.matters["code_unusable"] += 2
    world.code(world.person(), isUsed=True)
    world.quirks["inviter_deleted"] += 1


def _odd_invitations(world: OldWorld) -> None:
    first, second, twice = world.person(), world.person(), world.person()
    world.invite(first, twice)
    world.invite(second, twice)
    world.invitations["pending"] += 1
    world.matters["later_invitation"] += 1
    alone = world.person()
    world.invite(alone, alone)
    world.matters["self_referral"] += 1
    for length in (2, 3):
        ring = [world.person() for _ in range(length)]
        for at, person in enumerate(ring):
            world.invite(person, ring[(at + 1) % length])
        world.invitations["pending"] += length - 1
        world.matters["ring"] += 1
    tail = world.person()  # leads into the last ring, and is none
    world.invite(ring[0], tail)
    world.invitations["pending"] += 1
    world.invite(f"user_{10**26 + world.next():027d}", world.person())
    world.invite(f"seed-{world.next()}", world.person())
    world.matters["person_missing"] += 2
    tombstone, orphan = world.person(name="[Deleted User] "), world.person()
    world.quirks["tombstone"] += 1
    world.invite(tombstone, orphan)
    world.invitations["pending"] += 1
    eager, guest = world.person(), world.person()
    world.invite(eager, guest)
    world.read(guest, 2)
    for _ in range(2):
        world.move(eager, "REFERRAL_INVITER", deltaCoins=50, metadata={"userId": guest})
    world.invitations["rewarded"] += 1
    world.matters["paid_twice"] += 1
    old = world.person(createdAt=datetime(2020, 1, 1, tzinfo=UTC))
    world.invite(first, old)
    world.invitations["pending"] += 1
    world.quirks["invited_late"] += 1


def _odd_transactions(world: OldWorld) -> None:
    reader = world.person(stars=3, freePoint=1)
    world.move(reader, "READING", metadata=json.dumps({"starsUsed": 1}), deltaPoint=-1)
    world.quirks["json_twice"] += 1
    world.move(reader, "READING", metadata={"freePointUsed": 1, "starsUsed": "1"}, deltaPoint=-2)
    world.move(reader, "READING", metadata={"freePointUsed": 2}, deltaPoint=-9)
    world.quirks["spend_sign"] += 3
    world.quirks["number_text"] += 1
    world.quirks["spend_contradictory"] += 1
    world.move(reader, "READING", metadata={"freePointUsed": -2.5})
    world.quirks["number_fraction"] += 1
    world.move(reader, "LEVEL_UP", metadata={"freePointAwarded": "many"})
    world.quirks["number_unreadable"] += 1
    world.move(reader, "LEVEL_UP", metadata=["no", "object"])
    world.quirks["json_unreadable"] += 1
    world.move(reader, "LEVEL_UP", metadata=json.dumps({"note": "\u0000"}))
    world.quirks["json_twice"] += 1
    world.quirks["json_cleaned"] += 1
    world.move(reader, "REFERRAL_INVITER", deltaCoins=30, metadata={"note": "of whom?"})
    world.quirks["payment_names_nobody"] += 1
    world.move(f"user_{2 * 10**26 + world.next():027d}", "DAILY_LOGIN", deltaCoins=5)
    world.quirks["without_user"] += 1
    world.move(reader, "DAILY_LOGIN", createdAt="infinity")
    world.quirks["time_unknown"] += 1
    world.rows["CoinExchange"].append(
        {
            "id": f"exchange{world.next():012d}",
            "userId": reader,
            "exchangeType": "coins_to_stars",
            "coinAmount": 45,
            "receivedItem": "star",
            "receivedAmount": 3,
            "createdAt": THE_END,
        }
    )


def _settings(world: OldWorld) -> None:
    rewards = {
        "REFERRAL_INVITER": {"coin": "30"},
        "REFERRAL_INVITED": {"coins": 5, "freePoint": 1},
        "NEW_USER_REWARDS": {"freePoint": 3},
        "FIRST_READING": json.dumps({"freePoint": "2.0"}),
        "READING_MILESTONE_10": {"coins": 25},
        "READING_MILESTONE_50": {"coins": -5},
        "LEVEL_UP_10": {"coins": 30},
    }
    for name, promised in rewards.items():
        world.rows["reward_configurations"].append(
            {
                "id": name.lower(),
                "name": name,
                "type": "reward",
                "title": name,
                "rewards": json.dumps(promised),
                "updatedAt": THE_END,
            }
        )
    for price in (10, 15):
        world.rows["ExchangeSetting"].append(
            {
                "id": f"rate{price}",
                "exchangeType": "coins_to_stars",
                "receivedItem": "star",
                "coinPerUnit": price,
                "updatedAt": THE_END,
            }
        )
