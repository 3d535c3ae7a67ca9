"""What staff put right of an attribution, each told as its effect: moves, lines, balances.

Each verb is one transaction. It locks the people concerned (the lower id first), then the
attributions, then all that those people hold, before it looks at anything; so what it returns is
what it did, and a preview of it that was rolled back is what it would do.
"""

from referrals.services.attributions import MoveNotAllowed
from referrals.services.corrections.by_hand import attribute_by_hand
from referrals.services.corrections.effects import moved_of
from referrals.services.corrections.held import approve, decide_held, reject, reopen
from referrals.services.corrections.moves import move_to_referrer, undo_move
from referrals.services.corrections.refusals import (
    AnotherStands,
    ClosesCycle,
    CorrectionRefused,
    NotAPerson,
    OtherProgram,
    OwnCode,
    PersonGone,
    SameReferrer,
    TermsMissing,
)
from referrals.services.corrections.reversals import restore, reverse, reverse_many

__all__ = [
    "AnotherStands",
    "ClosesCycle",
    "CorrectionRefused",
    "MoveNotAllowed",
    "NotAPerson",
    "OtherProgram",
    "OwnCode",
    "PersonGone",
    "SameReferrer",
    "TermsMissing",
    "approve",
    "attribute_by_hand",
    "decide_held",
    "move_to_referrer",
    "moved_of",
    "reject",
    "reopen",
    "restore",
    "reverse",
    "reverse_many",
    "undo_move",
]
