"""Where the admin shows a row, and how lists of referrals find what belongs to a code."""

from django.db.models import Model, Q
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from backoffice.search import NOTHING, Finder, Term, found_first
from referrals.models import ReferralCode, normalized_code
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


def page_of(row: Model) -> str:
    """Return the address of a row's page in the admin."""
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])


def person_link(user: User) -> SafeString:
    """Link to a person's page."""
    return format_html('<a href="{}">{}</a>', page_of(user), named(user))
