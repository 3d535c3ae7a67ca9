"""The corrections of the ledger, each a form, a permission and a verb."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from uuid_utils.compat import uuid7

from backoffice.corrections import Correction, CorrectionForm
from rewards.amounts import Currency
from rewards.models import MAX_AMOUNT, GrantRequest
from rewards.services import (
    AlreadyReversed,
    InsufficientBalance,
    NotWaiting,
    OwnedElsewhere,
    SecondPersonNeeded,
    UserGone,
    balances_of,
    corrections,
    grant_requests,
)


class AmountField(forms.IntegerField):
    """Whole units; left empty, none."""

    def __init__(self, currency: str) -> None:
        label = Currency(currency).label
        super().__init__(label=label, min_value=0, max_value=MAX_AMOUNT, required=False)

    def clean(self, value: Any) -> int:
        return super().clean(value) or 0


class AmountsForm(CorrectionForm):
    """How much of each currency. The nonce tells a second click from a second wish."""

    stars = AmountField("stars")
    free_points = AmountField("free_points")
    coins = AmountField("coins")
    exp = AmountField("exp")
    nonce = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)

    field_order = list(Currency.values)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for currency, amount in balances_of(self.subject.pk):
            held = _("Has %(amount)s now.") % {"amount": f"{amount:,}"}
            self.fields[currency].help_text = held

    def clean(self) -> dict[str, Any]:
        asked: dict[str, Any] = super().clean() or {}
        if not self.errors and not any(asked[currency] for currency in Currency.values):
            raise forms.ValidationError(_("Name at least one amount."))
        return asked


class TakeBackForm(AmountsForm):
    what_is_left = forms.BooleanField(
        label=gettext_lazy("Take back what is left"),
        required=False,
        help_text=gettext_lazy("If there is less than that, take what there is."),
    )
    field_order = [*Currency.values, "what_is_left"]


class ClawBackForm(CorrectionForm):
    """To take back what may have been spent already."""

    claw_back = forms.BooleanField(
        label=gettext_lazy("Take back what is left"),
        required=False,
        help_text=gettext_lazy("If it has been spent, record the rest as a shortfall."),
    )
    field_order: Sequence[str] = ["claw_back"]


def _is_waiting(request: GrantRequest) -> bool:
    return request.status == GrantRequest.Status.WAITING


GRANT = Correction(
    slug="grant",
    label=gettext_lazy("Grant a reward"),
    explanation=gettext_lazy(
        "The house gives this person amounts. A large grant, or several that make one within 24"
        " hours, waits until a second member of staff approves it."
    ),
    permission="rewards.grant_reward",
    act=corrections.grant_by_hand,
    refusals=(corrections.AlreadyDone, UserGone),
    form_class=AmountsForm,
    applies=lambda user: bool(user.clerk_id) and not user.is_gone,
)
TAKE_BACK = Correction(
    slug="take-back",
    label=gettext_lazy("Take back a reward"),
    explanation=gettext_lazy(
        "The house takes amounts from this person. To undo one certain transaction, reverse that"
        " transaction instead, on its own page."
    ),
    permission="rewards.grant_reward",
    act=corrections.take_back,
    refusals=(corrections.AlreadyDone, InsufficientBalance),
    form_class=TakeBackForm,
    applies=lambda user: bool(user.clerk_id) and user.deleted_at is None,
)
REVERSE = Correction(
    slug="reverse",
    label=gettext_lazy("Reverse"),
    explanation=gettext_lazy(
        "The opposite of this transaction is posted. To undo that, reverse the reversal."
    ),
    permission="rewards.correct_transaction",
    act=corrections.reverse,
    refusals=(AlreadyReversed, InsufficientBalance, OwnedElsewhere, UserGone),
    form_class=ClawBackForm,
    applies=lambda transaction: not hasattr(transaction, "reversed_by"),
)
APPROVE = Correction(
    slug="approve",
    label=gettext_lazy("Approve"),
    explanation=gettext_lazy("What was asked for is granted."),
    permission="rewards.approve_grant",
    act=grant_requests.approve,
    refusals=(NotWaiting, SecondPersonNeeded, UserGone),
    applies=_is_waiting,
)
REFUSE = Correction(
    slug="refuse",
    label=gettext_lazy("Refuse"),
    explanation=gettext_lazy("Nothing is granted. Whoever asked may ask again."),
    permission="rewards.approve_grant",
    act=grant_requests.refuse,
    refusals=(NotWaiting, SecondPersonNeeded),
    applies=_is_waiting,
)
