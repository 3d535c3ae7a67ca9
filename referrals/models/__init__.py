"""Who invited whom, and why we think so.

Invariants, held by the database:

- A program's terms are numbered and never change; an attribution keeps the terms that it was made
  under.
- A code is unique as people type it: upper case, without spaces and hyphens.
- A capture belongs to one browser session or, once adopted, to one user; per owner and code one
  stands open.
- A person has at most one live attribution, and never to themselves.
- What staff moved to another referrer is an attribution of its own, which names the one that it
  replaces; of all that ever replaced one, at most one lives.
- The timeline of an attribution and the decisions on claims are only ever added to.
- A day that is over has its counts of each program once; they stay when what they counted is
  deleted.
- An event is unique by the id that its sender gave it.
"""

from referrals.models.attributions import (
    LIVE_STATUSES,
    Attribution,
    Decision,
    Outcome,
    Status,
    TimelineEntry,
)
from referrals.models.captures import BrowserSession, Capture, ClosedReason, UserDevice
from referrals.models.codes import ReferralCode, normalized_code
from referrals.models.days import FunnelDay
from referrals.models.events import QualifyingEvent
from referrals.models.programs import Program, ProgramTerms, Touch

__all__ = [
    "LIVE_STATUSES",
    "Attribution",
    "BrowserSession",
    "Capture",
    "ClosedReason",
    "Decision",
    "FunnelDay",
    "Outcome",
    "Program",
    "ProgramTerms",
    "QualifyingEvent",
    "ReferralCode",
    "Status",
    "TimelineEntry",
    "Touch",
    "UserDevice",
    "normalized_code",
]
