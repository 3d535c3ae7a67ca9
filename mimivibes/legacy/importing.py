"""Bring the replaced system's data over, stage by stage, in pages that each are one transaction.

There is no checkpoint to be wrong: each page asks which of its rows are here already, and does the
rest. So whatever was killed is taken up by the next run, a second run changes nothing, and a run
after more has come in there brings what is new.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, LiteralString

from django.db import transaction

from mimivibes.legacy.models import Matter
from mimivibes.legacy.report import Report
from mimivibes.legacy.source import Row, Source
from outbox.services import silenced
from referrals.models import ProgramTerms
from referrals.services.imports import legacy_terms
from rewards.amounts import Amounts


class Stopped(Exception):
    """The time is over; the next run goes on."""


@dataclass
class Import:
    """One run: what it reads from, what it tells, and how far it may go."""

    source: Source
    report: Report
    now: datetime
    page_size: int
    may_go_on: Callable[[], bool]
    progress: Callable[[str, int], None]
    inviter_amounts: Amounts = field(default_factory=Amounts)
    follow_balances: bool = False
    _matters: list[Matter] = field(default_factory=list)

    @property
    def is_dry(self) -> bool:
        return self.report.is_dry

    @cached_property
    def settled_terms(self) -> ProgramTerms:
        """What settled invitations stand under; made when first asked for."""
        return legacy_terms(referrer_amounts=Amounts())

    @cached_property
    def open_terms(self) -> ProgramTerms:
        """What open invitations stand under."""
        return legacy_terms(referrer_amounts=self.inviter_amounts)

    def pages(self, statement: LiteralString, name: str) -> Iterator[list[Row]]:
        """Yield pages of rows as long as there is time. Raises `Stopped`."""
        for rows in self.source.pages(statement, size=self.page_size):
            self.check()
            self.report.count(name, "read", len(rows))
            yield rows
            self.progress(name, len(rows))

    def check(self) -> None:
        """Raise `Stopped` if the time is over."""
        if not self.may_go_on():
            raise Stopped

    def matter(
        self, kind: Matter.Kind, subject: str, user_id: int | None = None, **facts: Any
    ) -> None:
        """List something for staff to settle, once however often it is found."""
        self.report.matter(kind, subject)
        self._matters.append(
            Matter(kind=kind, subject=subject, user_id=user_id, facts=facts, found_at=self.now)
        )

    @contextmanager
    def writing(self, *, is_news: bool = False) -> Iterator[None]:
        """Write in one transaction, what was found for staff included; a dry run writes nothing.

        What was there before is no news: the web app is told nothing of it. What it changes for
        somebody who is here already is.
        """
        if self.is_dry:
            yield
        else:
            with nullcontext() if is_news else silenced(), transaction.atomic():
                yield
                Matter.objects.bulk_create(self._matters, ignore_conflicts=True)
        self._matters.clear()
