"""How lists find what belongs to a code, and what the references of the ledger stand for."""

from uuid import UUID

from django.db.models import Q

from backoffice.references import register_reference
from backoffice.search import NOTHING, Finder, Term, found_first
from referrals.models import Attribution, QualifyingEvent, ReferralCode, normalized_code


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
