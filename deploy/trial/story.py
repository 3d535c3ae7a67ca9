"""The course of a trial, from the first process to the proof."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import httpx

from deploy.trial import proxies
from deploy.trial.app_groups import AppGroups, CommandFailed
from deploy.trial.callers import Person
from deploy.trial.clerk import Clerk
from deploy.trial.cluster import Cluster
from deploy.trial.journeys import Broken, Journeys
from deploy.trial.load import Journal, Load
from deploy.trial.places import GROUPS, Places
from deploy.trial.processes import Processes
from deploy.trial.proof import differences, replicas_are_equal
from deploy.trial.report import Report
from deploy.trial.waiting import TooLong, until

LOST_GROUP = 2
STALLED = 1.0
"""Seconds in which replication has stopped before the primary is lost."""
SCOPES = ("events", "rewards:spend", "rewards:grant")


@dataclass(frozen=True)
class Pace:
    """How many callers, and how long each phase of the load takes."""

    callers: int
    seconds: float


class Trial:
    """One run, on its own folder and ports."""

    def __init__(
        self, places: Places, processes: Processes, report: Report, *, synchronous: bool
    ) -> None:
        self.places, self.processes, self.report = places, processes, report
        self.clerk = Clerk()
        self.cluster = Cluster(places, processes, synchronous=synchronous)
        self.groups = AppGroups(places, processes, self.clerk)
        self.api_key = ""
        self.journal = Journal(places.folder / "journal.jsonl")

    def run(self, pace: Pace) -> None:
        self.report.figure("processors", os.cpu_count())
        self._start()
        self._journeys()
        self._throughput(pace)
        nok = Person(self.places.nginx, self.clerk, "nok")
        with self._load(self.places.nginx, nok, pace, self.journal):
            time.sleep(pace.seconds)
            self._lose_the_synchronous_replica(pace)
            lost = self._lose_the_primary(pace)
            self._lose_a_group(pace)
            self._lose_redis(pace)
        self._heal(lost)
        self._prove(nok)

    def _start(self) -> None:
        with self.report.step("PostgreSQL: three nodes, of which one becomes the primary"):
            self.cluster.start()
        with self.report.step("HAProxy, PgBouncer, Redis"):
            proxies.start_database_proxies(self.places, self.processes)
            self.cluster.create_database()
        with self.report.step("Migrations, on the primary"):
            until("HAProxy finds the primary", self._migrations_could_run)
            self.groups.manage("migrate", "--verbosity", "0")
            scopes = [part for scope in SCOPES for part in ("--scope", scope)]
            made = self.groups.manage("create_api_key", "trial", *scopes, "--json")
            self.api_key = json.loads(made)["key"]
        with self.report.step("Three groups of app processes, nginx"):
            self.groups.start()
            proxies.start_nginx(self.places, self.processes)
            for port in (*map(self.places.group, GROUPS), self.places.nginx):
                until(f"{port} is ready", partial(self._is_ready, port))

    def _journeys(self) -> None:
        for sentence, journey in Journeys(
            self.places, self.cluster, self.clerk, self.api_key
        ).all():
            try:
                journey()
            except (Broken, httpx.HTTPError, TooLong) as error:
                self.report.prove(sentence, [f"{type(error).__name__}: {error}"])
            else:
                self.report.prove(sentence, [])

    def _throughput(self, pace: Pace) -> None:
        """Measure the same load on one group and on three."""
        rates = {}
        ports = {"1 group": self.places.nginx_one_group, "3 groups": self.places.nginx}
        for name, port in ports.items():
            journal = Journal(self.places.folder / f"journal-{name[0]}.jsonl")
            inviter = Person(port, self.clerk, f"nok{name[0]}")
            wal = self.cluster.wal_position()
            load = self._load(port, inviter, pace, journal, prefix=f"t{name[0]}c")
            with self.report.step(f"Throughput of {name}"), load:
                time.sleep(pace.seconds / 5)
                began, used = time.monotonic(), self._processor_seconds()
                time.sleep(pace.seconds)
                rates[name] = journal.rate(began, time.monotonic())
                used = [after - u for after, u in zip(self._processor_seconds(), used, strict=True)]
                connections = self.cluster.connections_of_the_app()
            self.report.figure(f"answers a second, {name}", rates[name])
            self.report.figure(f"connections to the primary, {name}", connections)
            for part, seconds in zip(("app", "the primary"), used, strict=True):
                ms = 1000 * seconds / (rates[name] * pace.seconds)
                self.report.figure(f"processor ms for each answer, {part}, {name}", ms)
            self.report.faults += journal.faults
            written = self.cluster.wal_position() - wal
            self.report.figure(f"WAL bytes for each write, {name}", written // journal.writes)
        self.report.figure("3 groups to 1", rates["3 groups"] / rates["1 group"])

    def _processor_seconds(self) -> list[float]:
        """Return the processor time used so far by all app groups, and by the primary's server."""
        groups = self.processes.processor_seconds(*(f"group{n}" for n in GROUPS))
        primary = self.processes.processor_seconds(f"node{self.cluster.primary()}")
        return [groups, primary]

    def _lose_the_synchronous_replica(self, pace: Pace) -> None:
        """Lose the one that every commit waits for; another must take its place."""
        began, lost = time.monotonic(), int(self.cluster.synchronous_standby() or 0)
        if not lost:
            return
        with self.report.step(f"Node {lost}, the synchronous replica, is killed, and comes back"):
            self.cluster.lose(lost)
            time.sleep(pace.seconds)
            self._tell_the_gaps("replica lost", began, time.monotonic())
            self.cluster.start_node(lost)
            self.cluster.wait_until_whole()

    def _lose_the_primary(self, pace: Pace) -> int:
        lost, began = int(self.cluster.primary() or 0), time.monotonic()
        self.report.figure("answers a second before the primary is lost", self._rate(pace, began))
        with self.report.step(f"Node {lost}, the primary, is killed: etcd, Patroni, PostgreSQL"):
            # The worst moment: what is written now is on its way to nobody else.
            self.cluster.stall_replication(lost)
            time.sleep(STALLED)
            self.cluster.lose(lost)
            until("/readyz says that there is no database", lambda: not self._is_ready())
            until("another primary is elected", lambda: self.cluster.primary() not in (None, lost))
            elected = time.monotonic() - began
            until("/readyz says ready again", self._is_ready)
            time.sleep(pace.seconds)
        ended = time.monotonic()
        self.report.figure("seconds until another primary was elected", elected)
        self._tell_the_gaps("primary lost", began, ended)
        self.report.figure("answers a second after the fail-over", self._rate(pace, ended))
        return lost

    def _lose_a_group(self, pace: Pace) -> None:
        began = time.monotonic()
        with self.report.step(f"App group {LOST_GROUP} is killed: master and worker"):
            self.groups.lose(LOST_GROUP)
            time.sleep(pace.seconds)
        self._tell_the_gaps("app group lost", began, time.monotonic())
        self.report.figure("answers a second with two groups", self._rate(pace, time.monotonic()))

    def _lose_redis(self, pace: Pace) -> None:
        began = time.monotonic()
        with self.report.step("Redis is killed"):
            self.processes.kill("redis")
            time.sleep(pace.seconds / 3)
        self._tell_the_gaps("Redis lost", began, time.monotonic())

    def _heal(self, lost: int) -> None:
        with self.report.step(f"Node {lost} and the app group come back"):
            self.cluster.start_node(lost)
            self.groups.start_group(LOST_GROUP)
            proxies.start_redis(self.places, self.processes)
            primary = self.cluster.wait_until_whole()
            until("the app group is ready", lambda: self._is_ready(self.places.group(LOST_GROUP)))
        faults = [f"Node {lost} is the primary."] if primary == lost else []
        self.report.prove("the lost node is a replica of the new primary", faults)

    def _prove(self, nok: Person) -> None:
        for kind in ("claim", "event", "spend", "grant", "exchange"):
            self.report.figure(f"acknowledged under load: {kind}s", len(self.journal.of(kind)))
        self.report.prove("no caller was refused or saw a wrong balance", self.journal.faults)
        self.report.prove(
            "each acknowledged claim, event, spend, grant and exchange is there exactly once,"
            " no other is, and all statuses and balances follow from them",
            list(differences(self.cluster, self.journal, nok.clerk_id)),
        )
        self.report.prove("verify_ledger finds nothing on the new primary", self._ledger_faults())
        differing = list(replicas_are_equal(self.cluster))
        self.report.prove("both replicas have caught up and are equal, table by table", differing)

    def _ledger_faults(self) -> list[str]:
        try:
            self.groups.manage("verify_ledger", "--json")
        except CommandFailed as error:
            return [str(error)]
        return []

    @contextmanager
    def _load(
        self, port: int, inviter: Person, pace: Pace, journal: Journal, prefix: str = "c"
    ) -> Iterator[None]:
        load = Load(
            port=port,
            clerk=self.clerk,
            api_key=self.api_key,
            code=str(inviter.me()["referral_code"]),
            callers=pace.callers,
            journal=journal,
            prefix=prefix,
        )
        load.start()
        try:
            yield
        finally:
            load.stop()

    def _rate(self, pace: Pace, ended: float) -> float:
        return self.journal.rate(ended - pace.seconds * 0.8, ended)

    def _tell_the_gaps(self, when: str, began: float, ended: float) -> None:
        for kind in ("write", "read", "visit"):
            gap = self.journal.longest_gap(kind, began, ended)
            self.report.figure(f"{when}: longest without a {kind}, s", gap)
        troubles = self.journal.troubles_between(began, ended)
        self.report.figure(f"{when}: answers to try again", troubles)

    def _migrations_could_run(self) -> bool:
        try:
            self.groups.manage("showmigrations", "accounts")
        except CommandFailed:
            return False
        return True

    def _is_ready(self, port: int = 0) -> bool:
        address = f"http://127.0.0.1:{port or self.places.nginx}/readyz"
        try:
            return httpx.get(address, timeout=10).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False
