"""Many callers at once, who send again whatever was not acknowledged, until it is.

Every acknowledged answer is written to the journal before the caller goes on. Each caller has
people of its own, so that it knows what their balances must be, and looks now and then.
"""

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from deploy.trial.callers import Caller, Person, Service
from deploy.trial.clerk import Clerk

GIVE_UP_AFTER = 180
PAUSE = 0.5
PAUSE_OF_VISITORS = 0.05
STARTING_STARS = 1_000_000
STARTING_COINS = 150_000
ACCEPTED = (httpx.codes.OK, httpx.codes.CREATED)
PASSING = 500
"""From here on, a status says nothing about the request itself: send it again."""


class Refused(Exception):
    """An answer that no load should get."""


@dataclass
class Journal:
    """What was acknowledged, on disk and in memory, and how callers fared."""

    path: Path
    acknowledged: list[dict[str, Any]] = field(default_factory=list)
    answered: list[tuple[float, str]] = field(default_factory=list)
    troubles: list[tuple[float, str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledge(self, kind: str, id_: str, **facts: Any) -> None:
        record = {"kind": kind, "id": id_, "at": time.time(), **facts}
        with self.lock, self.path.open("a") as file:
            file.write(f"{json.dumps(record)}\n")
            self.acknowledged.append(record)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.acknowledged if record["kind"] == kind]

    @property
    def writes(self) -> int:
        return sum(kind == "write" for _, kind in self.answered)

    def rate(self, began: float, ended: float) -> float:
        """Return the answers per second between two moments of `time.monotonic`."""
        return sum(began <= at < ended for at, _ in self.answered) / (ended - began)

    def longest_gap(self, kind: str, began: float, ended: float) -> float:
        """Return the longest time in which nobody got an answer to a read, or to a write."""
        times = [at for at, k in self.answered if k == kind and began <= at <= ended]
        moments = [began, *sorted(times), ended]
        return max(b - a for a, b in pairwise(moments))

    def troubles_between(self, began: float, ended: float) -> dict[str, int]:
        return dict(Counter(what for at, what in self.troubles if began <= at < ended))


class Load:
    """So many callers, each in a thread, and a visitor, who never waits for a write of its own."""

    def __init__(
        self,
        *,
        port: int,
        clerk: Clerk,
        api_key: str,
        code: str,
        callers: int,
        journal: Journal,
        prefix: str,
    ) -> None:
        self.stopping = threading.Event()
        clients = [
            Client(f"{prefix}{n}", port, clerk, api_key, code, journal, self.stopping)
            for n in range(callers)
        ]
        runs = [client.run for client in clients] + [clients[0].visit_again_and_again]
        self.threads = [threading.Thread(target=run, daemon=True) for run in runs]

    def start(self) -> None:
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Let everybody finish, with success, what they are at."""
        self.stopping.set()
        for thread in self.threads:
            thread.join()


class Client:
    """One caller: a spender of its own, and newcomers whom it lets claim and read."""

    def __init__(
        self,
        name: str,
        port: int,
        clerk: Clerk,
        api_key: str,
        code: str,
        journal: Journal,
        stopping: threading.Event,
    ) -> None:
        self.name, self.port, self.clerk, self.code = name, port, clerk, code
        self.journal, self.stopping = journal, stopping
        self.random = random.Random(name)  # noqa: S311
        self.service = Service(port, api_key)
        self.spender = Person(port, clerk, f"{self.name}spends")
        self.claimers: list[Person] = []
        self.serial = 0
        self.expected: dict[str, int] = {}

    def run(self) -> None:
        deeds = [self.claim, self.event, self.event, self.spend, self.spend, self.grant]
        deeds += [self.exchange, self.look, self.look]
        try:
            self._begin()
            while not self.stopping.is_set():
                self.random.choice(deeds)()
        except Exception as error:  # whatever it is, the trial has failed, and says why
            self.journal.faults.append(f"{self.name}: {type(error).__name__}: {error}")

    def _begin(self) -> None:
        amounts = {"stars": STARTING_STARS, "coins": STARTING_COINS}
        self.expected = self._until_acknowledged("read", self.spender.send, "GET", "me")["balances"]
        self._granted(amounts)
        self.claim()

    def claim(self) -> None:
        newcomer = Person(self.port, self.clerk, f"{self.name}reads", at=self.spender)
        answer = self._until_acknowledged("write", newcomer.claim, self.code)["attribution"]
        facts = {"person": newcomer.clerk_id, "reward": answer["referee_reward"]}
        self.journal.acknowledge("claim", answer["id"], **facts)
        self.claimers.append(newcomer)

    def event(self) -> None:
        event_id, reader = self._new_id(), self.random.choice(self.claimers[-5:])
        self._until_acknowledged("write", self.service.event, event_id, reader.clerk_id)
        self.journal.acknowledge("event", event_id, person=reader.clerk_id)

    def spend(self) -> None:
        amount, key = self.random.randint(1, 5), self._new_id()
        send = self.service.spend
        answer = self._until_acknowledged("write", send, key, self.spender.clerk_id, amount)
        self._moved("spend", answer)

    def grant(self) -> None:
        self._granted({"stars": self.random.randint(1, 5)})

    def _granted(self, amounts: dict[str, int]) -> None:
        key, send = self._new_id(), self.service.grant
        answer = self._until_acknowledged("write", send, key, self.spender.clerk_id, **amounts)
        self._moved("grant", answer)

    def exchange(self) -> None:
        body = {"from": "coins", "to": "stars", "units": 1}
        key, send = {"Idempotency-Key": self._new_id()}, self.spender.send
        answer = self._until_acknowledged("write", send, "POST", "rewards/exchange", body, **key)
        self._moved("exchange", answer)

    def look(self) -> None:
        """See one's own balance as one's last write left it: this is never a replica's answer."""
        found = self._until_acknowledged("read", self.spender.send, "GET", "me")["balances"]
        if found != self.expected:
            raise Refused(f"The balances are {found}, not {self.expected}.")

    def visit_again_and_again(self) -> None:
        """Read what a replica may answer, as visitors, each from another address."""
        connected = Caller(self.port)
        while not self.stopping.wait(PAUSE_OF_VISITORS):
            visitor = Person(self.port, self.clerk, "visitor", at=connected)
            visitor.is_signed_in = False
            self._until_acknowledged("visit", visitor.send, "GET", "referrals/rewards")

    def _moved(self, kind: str, answer: dict[str, Any]) -> None:
        """Note a transaction; its effect must be on the balances that came with it."""
        transaction = answer["transaction"]
        for currency, amount in transaction["amounts"].items():
            self.expected[currency] += amount
        facts = {"person": self.spender.clerk_id, "amounts": transaction["amounts"]}
        self.journal.acknowledge(kind, transaction["id"], **facts)

    def _until_acknowledged(
        self, kind: str, send: Callable[..., httpx.Response], *args: Any, **sent: Any
    ) -> dict[str, Any]:
        """Send, as often as it takes, the very same; raise `Refused` for what no retry mends."""
        until = time.monotonic() + GIVE_UP_AFTER
        while time.monotonic() < until:
            try:
                response = send(*args, **sent)
            except httpx.TransportError as error:
                self._trouble(type(error).__name__)
                continue
            if response.status_code in ACCEPTED:
                self.journal.answered.append((time.monotonic(), kind))
                return dict(response.json())
            if response.status_code < PASSING and response.status_code != 429:
                raise Refused(f"{response.request.url.path}: {response.text}")
            self._trouble(f"{response.status_code} {_code(response)}")
        raise Refused(f"No answer within {GIVE_UP_AFTER} s.")

    def _trouble(self, what: str) -> None:
        self.journal.troubles.append((time.monotonic(), what))
        time.sleep(PAUSE)

    def _new_id(self) -> str:
        self.serial += 1
        return f"{self.name}-{self.serial}"


def _code(response: httpx.Response) -> str:
    is_problem = response.headers.get("Content-Type", "").startswith("application/problem+json")
    return str(response.json()["code"]) if is_problem else "from a proxy"
