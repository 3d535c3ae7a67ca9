"""Why a correction cannot be made; each check is asked under the locks of the correction."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from referrals.models import Attribution, ReferralCode
from referrals.services.cycles import invited


class CorrectionRefused(Exception):
    """This correction cannot be made as things stand."""

    sentence = gettext_noop("This correction cannot be made as things stand.")


class PersonGone(CorrectionRefused):
    """Somebody concerned is deleted or banned."""

    sentence = gettext_noop("Somebody concerned is deleted or banned.")


class NotAPerson(CorrectionRefused):
    """Accounts of staff are nobody's guests."""

    sentence = gettext_noop("Only people can be attributed, not accounts of staff.")


class AnotherStands(CorrectionRefused):
    """The invited person has another live attribution."""

    sentence = gettext_noop("The invited person has another live attribution.")


class ClosesCycle(CorrectionRefused):
    """The invited person invited the referrer, directly or through others."""

    sentence = gettext_noop("The invited person invited the referrer, directly or through others.")


class OwnCode(CorrectionRefused):
    """The code is the invited person's own."""

    sentence = gettext_noop("The code is the invited person's own.")


class SameReferrer(CorrectionRefused):
    """The attribution is this referrer's already."""

    sentence = gettext_noop("The attribution is this referrer's already.")


class OtherProgram(CorrectionRefused):
    """The code belongs to another program than the terms."""

    sentence = gettext_noop("The code belongs to another program than the terms.")


class TermsMissing(CorrectionRefused):
    """No terms of the code's program are in force."""

    sentence = gettext_noop("No terms of the code's program are in force.")


def refuse_gone(*people: User) -> None:
    """Raise `PersonGone` if anybody of these is deleted or banned."""
    for person in people:
        if person.is_gone:
            raise PersonGone(
                _("The account of %(person)s is deleted or banned.") % {"person": person.known_as}
            )


def refuse_second(referee: User, *, besides: Attribution | None = None) -> None:
    """Raise `AnotherStands` if `referee` has a live attribution, `besides` this one."""
    standing = Attribution.objects.live().with_names().filter(referee=referee)
    if besides is not None:
        standing = standing.exclude(pk=besides.pk)
    if other := standing.first():
        told = _("%(referee)s is attributed to %(referrer)s; reverse or move that one.")
        raise AnotherStands(
            told % {"referee": referee.known_as, "referrer": other.referrer.known_as}
        )


def refuse_cycle(*, referee: User, referrer: User) -> None:
    """Raise `ClosesCycle` if `referee` invited `referrer`, directly or through others."""
    if invited(referee=referee, referrer=referrer):
        told = _("%(referee)s invited %(referrer)s, directly or through others.")
        raise ClosesCycle(told % {"referee": referee.known_as, "referrer": referrer.known_as})


def refuse_code(code: ReferralCode, *, referee: User, program_id: int) -> None:
    """Raise `OwnCode` or `OtherProgram` if `code` cannot be what invited `referee`."""
    if code.owner_id == referee.pk:
        raise OwnCode
    if code.program_id != program_id:
        raise OtherProgram
