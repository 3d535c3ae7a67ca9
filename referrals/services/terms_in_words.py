"""What terms say, and in what two versions differ, in sentences for staff."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from referrals.models import ProgramTerms
from referrals.models.programs import SIDES
from rewards.amounts import Currency
from rewards.wording import in_words

AMOUNTS = tuple(f"{side}_{currency}" for side in SIDES for currency in Currency.values)
CONDITIONS = (
    "qualifying_event_type",
    "qualifying_event_count",
    "hold_days",
    "capture_days",
    "claim_days",
    "touch",
    "daily_cap",
    "total_cap",
)
CONTENT = (*AMOUNTS, *CONDITIONS)
"""The fields that make terms what they are: what a new version takes over from another."""

CURRENCIES = {
    Currency.STARS: gettext_lazy("stars"),
    Currency.FREE_POINTS: gettext_lazy("free points"),
    Currency.COINS: gettext_lazy("coins"),
    Currency.EXP: gettext_lazy("experience"),
}
LABELS = {
    **{f"referee_{c}": gettext_lazy("Referee gets, %(currency)s") for c in Currency.values},
    **{f"referrer_{c}": gettext_lazy("Referrer gets, %(currency)s") for c in Currency.values},
    "qualifying_event_type": gettext_lazy("Event that qualifies"),
    "qualifying_event_count": gettext_lazy("Events needed"),
    "hold_days": gettext_lazy("Hold, days"),
    "capture_days": gettext_lazy("Invitations are kept, days"),
    "claim_days": gettext_lazy("Claim window, days"),
    "touch": gettext_lazy("Which invitation counts"),
    "daily_cap": gettext_lazy("Daily cap"),
    "total_cap": gettext_lazy("Total cap"),
}
DIFFERENCES = {
    **{
        f"referee_{c}": gettext_lazy("Referee gets %(old)s → %(new)s %(currency)s.")
        for c in Currency.values
    },
    **{
        f"referrer_{c}": gettext_lazy("Referrer gets %(old)s → %(new)s %(currency)s.")
        for c in Currency.values
    },
    "qualifying_event_type": gettext_lazy("Event that qualifies: %(old)s → %(new)s."),
    "qualifying_event_count": gettext_lazy("Events needed to qualify: %(old)s → %(new)s."),
    "hold_days": gettext_lazy("Hold %(old)s → %(new)s days."),
    "capture_days": gettext_lazy("An opened invitation is kept %(old)s → %(new)s days."),
    "claim_days": gettext_lazy("Claim window %(old)s → %(new)s days."),
    "touch": gettext_lazy("Invitation that counts: %(old)s → %(new)s."),
    "daily_cap": gettext_lazy("Claims for one referrer in 24 hours: %(old)s → %(new)s."),
    "total_cap": gettext_lazy("Live attributions of one referrer: %(old)s → %(new)s."),
}


def label_of(field: str) -> str:
    """Name a field of terms."""
    return str(LABELS[field]) % {"currency": currency_of(field)}


def told(terms: ProgramTerms, field: str) -> str:
    """Write one value of `terms`."""
    value: Any = getattr(terms, field)
    if field == "touch":
        return str(terms.get_touch_display())
    if value is None:
        return _("no limit")
    return f"{value:,}" if isinstance(value, int) else str(value)


def differences(old: ProgramTerms, new: ProgramTerms) -> list[str]:
    """Return a sentence for each value in which `new` differs from `old`."""
    return [
        str(DIFFERENCES[field])
        % {"old": told(old, field), "new": told(new, field), "currency": currency_of(field)}
        for field in CONTENT
        if getattr(old, field) != getattr(new, field)
    ]


def what_they_say(terms: ProgramTerms) -> list[str]:
    """Return terms as sentences, in the order in which an invitation meets them."""
    return [
        _touch_and_lifetime(terms),
        ngettext(
            "A claim must come within %(days)s day after Clerk made the account.",
            "A claim must come within %(days)s days after Clerk made the account.",
            terms.claim_days,
        )
        % {"days": f"{terms.claim_days:,}"},
        *_caps(terms),
        _("The referee gets %(amounts)s when the claim is accepted.")
        % {"amounts": in_words(terms.referee_amounts)},
        ngettext(
            "The attribution qualifies with the referee's event “%(type)s”.",
            "The attribution qualifies with the referee's event “%(type)s” number %(count)s.",
            terms.qualifying_event_count,
        )
        % {"type": terms.qualifying_event_type, "count": f"{terms.qualifying_event_count:,}"},
        _referrers_reward(terms),
    ]


def _touch_and_lifetime(terms: ProgramTerms) -> str:
    if terms.touch == "first":
        sentence = ngettext(
            "Of the invitations opened in the last %(days)s day the first one counts.",
            "Of the invitations opened in the last %(days)s days the first one counts.",
            terms.capture_days,
        )
    else:
        sentence = ngettext(
            "Of the invitations opened in the last %(days)s day the last one counts.",
            "Of the invitations opened in the last %(days)s days the last one counts.",
            terms.capture_days,
        )
    return sentence % {"days": f"{terms.capture_days:,}"}


def _caps(terms: ProgramTerms) -> list[str]:
    said = []
    if terms.daily_cap is not None:
        said.append(
            _("One referrer may have at most %(cap)s claims in 24 hours.")
            % {"cap": f"{terms.daily_cap:,}"}
        )
    if terms.total_cap is not None:
        said.append(
            _("One referrer may have at most %(cap)s live attributions in all.")
            % {"cap": f"{terms.total_cap:,}"}
        )
    return said or [_("A referrer may invite as many people as they like.")]


def _referrers_reward(terms: ProgramTerms) -> str:
    amounts = in_words(terms.referrer_amounts)
    if not terms.hold_days:
        return _("The referrer then gets %(amounts)s at once.") % {"amounts": amounts}
    sentence = ngettext(
        "The referrer gets %(amounts)s %(days)s day after that.",
        "The referrer gets %(amounts)s %(days)s days after that.",
        terms.hold_days,
    )
    return sentence % {"amounts": amounts, "days": f"{terms.hold_days:,}"}


def currency_of(field: str) -> str:
    """Name the currency of which a field holds an amount; empty for a condition."""
    side, _separator, currency = field.partition("_")
    return str(CURRENCIES[Currency(currency)]) if side in SIDES else ""
