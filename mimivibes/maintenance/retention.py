"""How long the rows of every table stay: until a command cleans them, or why they need none.

A test fails if a table is not named here, or if a command does not clean what it is said to. To
add a table: if it grows with use, give it a chore (`chores.py`) or a command and name that; if it
cannot grow without bound, or is meant to last, say why.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retention:
    """How long rows stay, and which command sees to it; without one, why none is needed."""

    rule: str
    cleaned_by: str = ""


_LEDGER = Retention("For ever: the ledger is only ever added to.")
_HISTORY = Retention("For ever: the history of attributions.")
_STAFF = Retention("As long as the member of staff: a few rows for each.")
_BY_HAND = Retention("Until changed: made by hand, so few.")
_DJANGO = Retention("As long as the code that it mirrors: it does not grow with use.")

RETENTION: dict[str, Retention] = {
    "accounts.ApiKey": _BY_HAND,
    "accounts.ClerkSync": Retention("For ever: one for each run of sync_clerk_users."),
    "accounts.HashSalt": Retention("Its day, and two hours more.", "cleanup_sessions"),
    "accounts.User": Retention("One for each person; erasure leaves a tombstone."),
    "accounts.User_groups": _STAFF,
    "accounts.User_user_permissions": _STAFF,
    "accounts.WebhookReceipt": Retention(
        "Finished deliveries: their content 30 days, the receipt 90. Others until finished.",
        "cleanup_webhooks",
    ),
    "admin.LogEntry": Retention("For ever: what staff did."),
    "auth.Group": _DJANGO,
    "auth.Group_permissions": _DJANGO,
    "auth.Permission": _DJANGO,
    "backoffice.SignInAttempts": Retention(
        "A day, or until the right password is given.", "cleanup_sessions"
    ),
    "contenttypes.ContentType": _DJANGO,
    "legacy.LegacyAccount": Retention("One for each person of the earlier app."),
    "legacy.LegacyTransaction": Retention(
        "For ever: the earlier app's ledger, which grows no more; its details until erasure."
    ),
    "legacy.Matter": Retention("For ever: what an import left to staff, and how they settled it."),
    "migrations.Migration": _DJANGO,
    "mimivibes.CommandRun": Retention("90 days after the run.", "cleanup_sessions"),
    "mimivibes.ScheduledJob": Retention("One for each job of the schedule."),
    "mimivibes.Tally": Retention("One for each kind of fact that the metrics count."),
    "mimivibes.UnusedTableBackup": Retention(
        "For ever: it says where what was dropped lies; made by hand, so few."
    ),
    "otp_static.StaticDevice": _STAFF,
    "otp_static.StaticToken": _STAFF,
    "otp_totp.TOTPDevice": _STAFF,
    "outbox.OutboxMessage": Retention(
        "30 days after it was sent, 90 after it was given up; until then if neither.",
        "cleanup_webhooks",
    ),
    "referrals.Attribution": _HISTORY,
    "referrals.BrowserSession": Retention(
        "As long as it holds a capture, a day at least.", "cleanup_captures"
    ),
    "referrals.Capture": Retention(
        "Until it expires, and --days more; for ever if an attribution stands on it.",
        "cleanup_captures",
    ),
    "referrals.Decision": Retention(
        "A year if it refused, for ever if it made an attribution; its address hash 7 days.",
        "cleanup_captures",
    ),
    "referrals.FunnelDay": Retention("For ever: one for each day and program."),
    "referrals.Program": _BY_HAND,
    "referrals.ProgramTerms": Retention("For ever: attributions are paid by them; made by hand."),
    "referrals.QualifyingEvent": Retention("For ever: an event is unique by its id."),
    "referrals.ReferralCode": Retention("As long as the person: a few for each."),
    "referrals.TimelineEntry": _HISTORY,
    "referrals.UserDevice": Retention("The 50 newest of each person."),
    "rewards.Balance": Retention("As long as the person: one for each currency."),
    "rewards.Entry": _LEDGER,
    "rewards.ExchangeRate": _BY_HAND,
    "rewards.GrantRequest": Retention("For ever: what staff asked for."),
    "rewards.IdempotencyRecord": Retention(
        "30 days; keys on the ledger for ever.", "cleanup_sessions"
    ),
    "rewards.IssuedDay": Retention("For ever: one for each day."),
    "rewards.LedgerProof": Retention("For ever: one for each run of verify_ledger."),
    "rewards.RewardRule": _BY_HAND,
    "rewards.Transaction": _LEDGER,
    "sessions.Session": Retention("Until the session ends.", "cleanup_sessions"),
}
