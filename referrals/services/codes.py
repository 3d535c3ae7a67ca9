"""Make and change referral codes."""

import secrets
from datetime import datetime
from functools import cache
from pathlib import Path

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from referrals.models import Program, ReferralCode, normalized_code
from referrals.models.codes import ReferralCodeQuerySet

# Without 0 O 1 I L U and vowels: not mistaken for each other, and spelling no words.
ALPHABET = "23456789BCDFGHJKMNPQRSTVWXZ"
CODE_LENGTH = 9
ATTEMPTS = 5
VANITY_LENGTHS = range(4, 21)
MOST_CODES_PER_OWNER = 10
WORD_LIST = Path(__file__).parent / "codes_not_allowed.txt"


class CodeNotFound(Exception):
    """There is no such code, or it is no longer in use."""


class CodeTaken(Exception):
    """Somebody has this code already."""


class CodeNotAllowed(Exception):
    """This code is reserved, or holds a word that we do not want to see."""


class InvalidCode(Exception):
    """A code has 4 to 20 letters A to Z and digits."""

    field = "code"


def create_referral_code(*, owner: User, now: datetime) -> None:
    """Give `owner` a random primary code in the default program, unless there is one.

    Random by the operating system, of about 43 bits. A collision is tried again. One statement, for
    it is part of every person's first request.
    """
    for _attempt in range(ATTEMPTS):
        code = "".join(secrets.choice(ALPHABET) for _place in range(CODE_LENGTH))
        with connection.cursor() as cursor:
            cursor.execute(_INSERT_CODE, [owner.pk, code, now])
            if cursor.rowcount or _of_default_program(owner).filter(is_primary=True).exists():
                return
    raise RuntimeError(f"No free code in {ATTEMPTS} attempts, or no default program.")


_INSERT_CODE = """
INSERT INTO referrals_referralcode
    (program_id, owner_id, code, is_primary, is_active, created_at)
SELECT id, %s, %s, true, true, %s FROM referrals_program WHERE is_default
ON CONFLICT DO NOTHING
"""


def choose_referral_code(*, owner: User, code: str) -> ReferralCode:
    """Make `code` the primary code of `owner` in the default program; older ones keep working.

    One's own earlier code may be chosen again, unless it was switched off. Raises `InvalidCode`,
    `CodeNotAllowed`, `CodeTaken`.
    """
    if not code.isascii():  # upper case would make "SS" of "ß"
        raise InvalidCode
    code = normalized_code(code)
    if len(code) not in VANITY_LENGTHS or not code.isalnum():
        raise InvalidCode
    if any(word in code for word in _words_not_allowed()):
        raise CodeNotAllowed
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=owner.pk)
        own = list(_of_default_program(owner))
        chosen = next((c for c in own if c.code == code), None)
        if chosen is not None and not chosen.is_active:
            raise CodeNotAllowed(_("This code of yours is out of use."))
        if chosen is None and len(own) >= MOST_CODES_PER_OWNER:
            told = _("You have %(count)d codes already; choose one of those.")
            raise CodeNotAllowed(told % {"count": len(own)})
        _of_default_program(owner).update(is_primary=False)
        return _primary(owner, code, chosen)


def _primary(owner: User, code: str, chosen: ReferralCode | None) -> ReferralCode:
    if chosen is not None:
        chosen.is_primary = True
        chosen.save(update_fields=["is_primary"])
        return chosen
    draft = ReferralCode(owner=owner, code=code, program=Program.objects.get(is_default=True))
    # Waits for a parallel insert of the same code, and then says who was first.
    ReferralCode.objects.bulk_create([draft], ignore_conflicts=True)
    made = _of_default_program(owner).filter(code=code).first()
    if made is None:
        raise CodeTaken
    return made


def _of_default_program(owner: User) -> ReferralCodeQuerySet:
    return ReferralCode.objects.filter(owner=owner, program__is_default=True)


@cache
def _words_not_allowed() -> frozenset[str]:
    lines = WORD_LIST.read_text().splitlines()
    return frozenset(line.strip().upper() for line in lines if line and not line.startswith("#"))
