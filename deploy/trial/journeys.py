"""What people and back ends do, and what happens when they do it twice at once, elsewhere."""

import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx

from deploy.trial.callers import Caller, Person, Service, at_once
from deploy.trial.clerk import Clerk
from deploy.trial.cluster import Cluster
from deploy.trial.places import GROUPS, Places
from deploy.trial.waiting import until


class Broken(Exception):
    """Something did not come out as the contract says."""


class Journeys:
    """All of them, through nginx; the races at two or three app groups directly."""

    def __init__(self, places: Places, cluster: Cluster, clerk: Clerk, api_key: str) -> None:
        self.places, self.cluster, self.clerk = places, cluster, clerk
        self.service = Service(places.nginx, api_key)
        self.services = [Service(places.group(n), api_key) for n in GROUPS]

    def all(self) -> Iterator[tuple[str, Callable[[], None]]]:
        """Give each with its name, a sentence."""
        yield "an opened code follows its visitor through sign-in to a claim", self.invitation
        yield "what is earned is exchanged, spent, and put right", self.money
        yield "webhooks make, change and delete people", self.webhooks
        yield "what may lag is read from a replica", self.replica
        yield "limits count over all groups together", self.rate_limit
        yield "a first request at three groups at once makes one person", self.first_requests
        yield "claims at once at three groups make one attribution", self.same_claim
        yield "two codes claimed at once at two groups: one wins", self.rival_claims
        yield "one idempotency key at three groups is one transaction", self.same_key
        yield "one event at three groups counts once", self.same_event
        yield "spends at once never take more than there is", self.spends
        yield "one delivery at three groups is worked once", self.same_delivery

    def person(self, name: str) -> Person:
        return Person(self.places.nginx, self.clerk, name)

    def inviter(self) -> tuple[Person, str]:
        nok = self.person("nok")
        return nok, str(nok.me()["referral_code"])

    def invitation(self) -> None:
        nok, code = self.inviter()
        ploy = self.person("ploy")
        ploy.is_signed_in = False
        answered(ploy.send("POST", "referrals/validate", {"code": code}), 200)
        answered(ploy.send("POST", "referrals/captures", {"code": code}), 201)
        ploy.is_signed_in = True
        claimed = answered(ploy.claim(), 201)["attribution"]
        same("the claim's status", claimed["status"], "pending")
        answered(self.service.event(_new_id(), ploy.clerk_id), 201)
        same("the status", ploy.me()["attribution"]["status"], "rewarded")
        same("the inviter's coins", nok.me()["balances"]["coins"], 50)
        report = answered(nok.send("GET", "referrals/status"), 200)
        same("who was invited", report["stats"]["rewarded"], 1)
        # A replica answers this one, and may take a moment.
        _soon("the list of the invited", lambda: self._invited(nok), 1)

    def _invited(self, nok: Person) -> int:
        return len(answered(nok.send("GET", "referrals/invited"), 200)["results"])

    def money(self) -> None:
        ploy = self.person("ploy")
        free = ploy.me()["balances"]["free_points"]
        answered(self.service.grant(_new_id(), ploy.clerk_id, coins=30), 201)
        exchange = {"from": "coins", "to": "stars", "units": 2}
        key = {"Idempotency-Key": _new_id()}
        answered(ploy.send("POST", "rewards/exchange", exchange, **key), 201)
        spent = answered(self.service.spend(_new_id(), ploy.clerk_id, free + 1), 201)
        same("the stars left", spent["balances"]["stars"], 1)
        same("the balance at once", ploy.me()["balances"], spent["balances"])
        path = f"rewards/transactions/{spent['transaction']['id']}/reverse"
        key = {"Idempotency-Key": _new_id()}
        answered(self.service.send("POST", path, {"reason": "An error"}, **key), 201)
        same("the stars again", ploy.me()["balances"]["stars"], 2)
        listed = answered(ploy.send("GET", "rewards/transactions"), 200)["results"]
        same("the newest transaction", listed[0]["reverses"], spent["transaction"]["id"])

    def webhooks(self) -> None:
        mali = self.person("mali")
        made = self.clerk.user(mali.clerk_id, "Mali")
        same("the outcome", self._deliver("user.created", made)["status"], "processed")
        same("the name", mali.me()["display_name"], "Mali")
        self._deliver("user.deleted", {"id": mali.clerk_id, "deleted": True})
        same("a deleted account", mali.send("GET", "me").status_code, 403)

    def _deliver(self, kind: str, data: dict[str, Any]) -> dict[str, Any]:
        body, headers = self.clerk.delivery(kind, data)
        return answered(Caller(self.places.nginx).post_raw("webhooks/clerk", body, headers), 200)

    def replica(self) -> None:
        """Far more visits than the monitoring of two seconds asks anything."""
        before, visits = self.cluster.transactions_on_standbys(), 200
        for _ in range(visits):
            visitor = self.person("visitor")
            visitor.is_signed_in = False
            answered(visitor.send("GET", "referrals/rewards"), 200)
        # A server adds to its counts when a connection has been idle for a while.
        wanted = before + visits
        until("the replicas have served the visits", partial(self._served, wanted), seconds=30)

    def _served(self, wanted: int) -> bool:
        return self.cluster.transactions_on_standbys() >= wanted

    def rate_limit(self) -> None:
        somchai = self.person("somchai")
        somchai.is_signed_in = False
        statuses = [somchai.send("GET", "referrals/rewards").status_code for _ in range(61)]
        same("what 61 visits in a minute get", statuses, [200] * 60 + [429])

    def first_requests(self) -> None:
        mali = self.person("mali")
        answers = at_once([partial(each.send, "GET", "me") for each in self._everywhere(mali)])
        same("the answers", [answer.status_code for answer in answers], [200] * len(GROUPS))
        same("the welcome", mali.me()["balances"]["free_points"], 3)

    def same_claim(self) -> None:
        _, code = self.inviter()
        ploy = self.person("ploy")
        answers = at_once([partial(each.claim, code) for each in self._everywhere(ploy)])
        same("the answers", sorted(a.status_code for a in answers), [200, 200, 201])
        same("attributions", len({a.json()["attribution"]["id"] for a in answers}), 1)
        same("the reward", ploy.me()["balances"]["stars"], 1)

    def rival_claims(self) -> None:
        (_, one), (_, other) = self.inviter(), self.inviter()
        here, there, _ = self._everywhere(self.person("ploy"))
        answers = at_once([partial(here.claim, one), partial(there.claim, other)])
        same("the answers", sorted(a.status_code for a in answers), [201, 409])
        same("the reward", here.me()["balances"]["stars"], 1)

    def same_key(self) -> None:
        ploy, key = self.person("ploy"), _new_id()
        answers = at_once([partial(s.grant, key, ploy.clerk_id, stars=5) for s in self.services])
        same("the answers", [a.status_code for a in answers], [201] * len(GROUPS))
        same("transactions", len({a.json()["transaction"]["id"] for a in answers}), 1)
        replayed = sorted(a.headers.get("Idempotency-Replayed", "") for a in answers)
        same("replays", replayed, ["", "true", "true"])
        same("the balance", ploy.me()["balances"]["stars"], 5)

    def same_event(self) -> None:
        _, code = self.inviter()
        ploy, event_id = self.person("ploy"), _new_id()
        answered(ploy.claim(code), 201)
        answers = at_once([partial(s.event, event_id, ploy.clerk_id) for s in self.services])
        same("the answers", sorted(a.status_code for a in answers), [200, 200, 201])
        same("the first reading's reward", ploy.me()["balances"]["free_points"], 3 + 2)

    def spends(self) -> None:
        ploy = self.person("ploy")
        has = answered(self.service.grant(_new_id(), ploy.clerk_id, stars=10), 201)["balances"]
        affordable = (has["stars"] + has["free_points"]) // 4
        answers = at_once(
            [partial(s.spend, _new_id(), ploy.clerk_id, 4) for s in self.services * 3]
        )
        wanted = [201] * affordable + [409] * (len(answers) - affordable)
        same("the answers", sorted(a.status_code for a in answers), wanted)
        left = ploy.me()["credits"]
        same("what is left", left, has["stars"] + has["free_points"] - 4 * affordable)

    def same_delivery(self) -> None:
        mali = self.person("mali")
        body, headers = self.clerk.delivery("user.created", self.clerk.user(mali.clerk_id, "Mali"))
        answers = at_once(
            [
                partial(Caller(port).post_raw, "webhooks/clerk", body, headers)
                for port in map(self.places.group, GROUPS)
            ]
        )
        told = sorted(a.json().get("status", a.text) for a in answers)
        same("the outcomes", told, ["duplicate", "duplicate", "processed"])
        same("the welcome", mali.me()["balances"]["free_points"], 3)

    def _everywhere(self, person: Person) -> list[Person]:
        return [person.at(self.places.group(n)) for n in GROUPS]


def answered(response: httpx.Response, status: int) -> dict[str, Any]:
    """Return the body of an answer that must have this status. Raises `Broken`."""
    if response.status_code != status:
        where = f"{response.request.method} {response.request.url.path}"
        raise Broken(f"{where} answered {response.status_code}, not {status}: {response.text}")
    return dict(response.json()) if response.content else {}


def same(what: str, found: object, wanted: object) -> None:
    """Raise `Broken` unless the two are equal."""
    if found != wanted:
        raise Broken(f"{what}: {found!r}, not {wanted!r}")


def _soon(what: str, find: Callable[[], object], wanted: object) -> None:
    until(f"{what} is {wanted!r}", lambda: find() == wanted, seconds=10)


def _new_id() -> str:
    return uuid.uuid4().hex
