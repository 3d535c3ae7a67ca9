"""The order of an import: people before what hangs on them, and the sums at the end."""

from io import StringIO

from django.core.management import call_command

from mimivibes.legacy.codes import bring_codes
from mimivibes.legacy.history import keep_history
from mimivibes.legacy.importing import Import, Stopped
from mimivibes.legacy.invitations import bring_invitations
from mimivibes.legacy.people import bring_people, list_shared_emails, list_vanished
from mimivibes.legacy.settings import compare_settings, promised_to_inviters
from mimivibes.legacy.source import Source
from mimivibes.legacy.statements import BALANCES
from rewards import services as rewards
from rewards.amounts import Amounts


class InviterRewardUnknown(Exception):
    """What the old system promised its inviters cannot be read."""


def inviter_amounts(source: Source, *, coins: int | None) -> Amounts:
    """Return what open invitations are to pay their inviters, `coins` if they are given.

    Raises `InviterRewardUnknown`.
    """
    promised = promised_to_inviters(source) if coins is None else Amounts(coins=coins)
    if promised is None:
        raise InviterRewardUnknown(
            "The source's row REFERRAL_INVITER is missing or unreadable, so nobody can tell what"
            " its open invitations promise. Say it by --inviter-coins, 0 for nothing."
        )
    return promised


def bring_everything(run: Import) -> None:
    """Go through all stages, as far as there is time, and keep the sums of both sides."""
    stages = (
        compare_settings,
        bring_people,
        list_vanished,
        list_shared_emails,
        bring_codes,
        bring_invitations,
        keep_history,
    )
    (held,) = run.source.rows(BALANCES)
    run.report.balances = Amounts(**held)
    try:
        for stage in stages:
            stage(run)
        run.report.is_complete = True
    except Stopped:
        pass  # the report says that it is not complete, and the run that it was stopped
    run.report.on_ledger = rewards.opened_in_all()
    if not run.is_dry:
        # What came in has times long past, which the dashboard has counted already.
        call_command("close_days", again=True, stdout=StringIO())
