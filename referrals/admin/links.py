"""Where the admin shows a row, and how lists of referrals look people up."""

from uuid import UUID

from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from backoffice.links import page_of
from backoffice.references import register_reference
from referrals.models import Attribution, QualifyingEvent
from referrals.services.story import named

PERSON_SEARCH = ("clerk_id", "email", "first_name", "last_name")


def search_by_person(*paths: str) -> tuple[str, ...]:
    """Return search fields for the people at `paths`, by how their ids and names begin."""
    return tuple(f"{path}__{field}__istartswith" for path in paths for field in PERSON_SEARCH)


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
