"""Find the code by which somebody invites, from whatever staff know of that person."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from referrals.models import Program, ReferralCode

MOST_NAMED = 10


class InviterNotFound(Exception):
    """Nobody invites by this code, Clerk id or e-mail address."""

    sentence = gettext_noop("Nobody invites by this code, Clerk id or e-mail address.")


class SeveralInviters(InviterNotFound):
    """Several people have this e-mail address."""


def code_of_inviter(*, text: str, program: Program | None = None) -> ReferralCode:
    """Return the referral code that `text` is, or the primary code of the person whom it names.

    That is by Clerk id or e-mail address, in `program` or else the default one. Raises
    `InviterNotFound`, `SeveralInviters`.
    """
    text = text.strip()
    people = _named(text)
    if len(people) > 1:
        ids = ", ".join(str(person.clerk_id) for person in people)
        told = _("Several people have this e-mail address; name one by Clerk id: %(ids)s.")
        raise SeveralInviters(told % {"ids": ids})
    if people:
        return _primary_code(people[0], program)
    code = ReferralCode.objects.typed(text).select_related("owner", "program").first()
    if code is None:
        raise InviterNotFound(_("There is no such code, Clerk id or e-mail address."))
    return code


def _named(text: str) -> list[User]:
    people = User.objects.filter(clerk_id__isnull=False)
    if "@" in text:
        return list(people.filter(email__iexact=text).order_by("pk")[:MOST_NAMED])
    return list(people.filter(clerk_id=text))


def _primary_code(person: User, program: Program | None) -> ReferralCode:
    codes = ReferralCode.objects.filter(owner=person, is_primary=True)
    codes = codes.filter(program=program) if program else codes.filter(program__is_default=True)
    code = codes.select_related("owner", "program").first()
    if code is None:
        told = _("%(person)s has no primary code in the program; give one of their codes.")
        raise InviterNotFound(told % {"person": person})
    return code
