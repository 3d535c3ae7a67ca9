"""Where the admin shows a row, and how lists of referrals find what belongs to a code."""

from uuid import UUID

from django.db.models import Q
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from backoffice.links import page_of
from backoffice.references import register_reference
from backoffice.search import NOTHING, Finder, Term, found_first
from referrals.models import Attribution, QualifyingEvent, ReferralCode, normalized_code
from referrals.services.story import named


def codes(field: str, *, key: str = "pk") -> Finder:
    """Find rows by a code, as people type codes, or by how it begins.

    `field` refers to the code, or to what `key` says of it (its owner, for example).
    """

    def find(term: Term) -> Q:
        code = normalized_code(term.text)
        if not code.isalnum():
            return NOTHING
        all_codes = ReferralCode.objects.all()
        found = found_first(all_codes, Q(code=code), Q(code__startswith=code), key=key)
        return Q(**{f"{field}__in": found})

    return find


def person_link(user: User) -> SafeString:
    """Link to a person's page."""
    return format_html('<a href="{}">{}</a>', page_of(user), named(user))


def attribution_behind(id_: str) -> Attribution | None:
    """Return the attribution that a ledger transaction names, e.g. `attribution:01a2…`."""
    try:
        return Attribution.objects.with_names().filter(pk=UUID(id_)).first()
    except ValueError:
        return None


def event_behind(id_: str) -> QualifyingEvent | None:
    """Return the event that a rule's payment names, e.g. `event:evt_…`."""
    return QualifyingEvent.objects.filter(event_id=id_).first()


register_reference("attribution", attribution_behind)
register_reference("event", event_behind)
