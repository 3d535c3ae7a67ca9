"""What staff can put right, on the page of an attribution and on that of a person."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.models import User
from backoffice.corrections import Correction, CorrectionForm
from referrals.models import Attribution, Program, ProgramTerms, ReferralCode, Status
from referrals.services import corrections
from referrals.services.attributions import MoveNotAllowed
from referrals.services.inviters import InviterNotFound, code_of_inviter
from rewards import services as rewards
from rewards.admin.corrections import ClawBackForm

REFUSALS = (
    MoveNotAllowed,
    corrections.CorrectionRefused,
    rewards.InsufficientBalance,
    rewards.AlreadyReversed,
)


class InviterField(forms.CharField):
    """A referral code, or whose it is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=320,
            widget=forms.TextInput(attrs={"size": 40}),
            help_text=gettext_lazy(
                "A referral code, a Clerk id or an e-mail address. A person stands for their"
                " primary code."
            ),
            **kwargs,
        )


def _found(text: str, program: Program | None) -> ReferralCode:
    try:
        return code_of_inviter(text=text, program=program)
    except InviterNotFound as error:
        raise forms.ValidationError(str(error)) from error


class MoveForm(ClawBackForm):
    """To whom an attribution is moved."""

    code = InviterField(label=gettext_lazy("New referrer"))
    field_order = ("code", "reason", "claw_back")

    def clean_code(self) -> ReferralCode:
        return _found(self.cleaned_data["code"], self.subject.terms.program)


class AttributeForm(CorrectionForm):
    """By whom somebody was invited, and under which terms that is paid."""

    code = InviterField(label=gettext_lazy("Referrer"))
    terms = forms.ModelChoiceField(
        ProgramTerms.objects.none(),
        label=gettext_lazy("Terms"),
        required=False,
        empty_label=gettext_lazy("Those in force"),
    )
    field_order = ("code", "terms", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        begun = ProgramTerms.objects.filter(effective_from__lte=timezone.now())
        choices: Any = self.fields["terms"]
        choices.queryset = begun.select_related("program").order_by("program", "-version")

    def clean(self) -> dict[str, Any]:
        """Look the code up in the program of the terms, if any were chosen."""
        cleaned = super().clean() or self.cleaned_data
        if text := cleaned.get("code"):
            terms = cleaned.get("terms")
            try:
                cleaned["code"] = _found(text, terms and terms.program)
            except forms.ValidationError as error:
                self.add_error("code", error)
        return cleaned


def _is_held(attribution: Attribution) -> bool:
    return attribution.status == Status.HELD


def _is_paid(attribution: Attribution) -> bool:
    return attribution.is_live and not _is_held(attribution)


CORRECTIONS = (
    Correction(
        slug="approve",
        label=gettext_lazy("Approve"),
        explanation=gettext_lazy("What is held is accepted, and the invited person is paid."),
        permission="referrals.decide_attribution",
        act=corrections.approve,
        refusals=REFUSALS,
        applies=_is_held,
    ),
    Correction(
        slug="reject",
        label=gettext_lazy("Reject"),
        explanation=gettext_lazy("What is held is refused, and nobody is paid."),
        permission="referrals.decide_attribution",
        act=corrections.reject,
        refusals=REFUSALS,
        applies=_is_held,
    ),
    Correction(
        slug="reopen",
        label=gettext_lazy("Reopen"),
        explanation=gettext_lazy("The rejection is undone; the attribution is held for review."),
        permission="referrals.decide_attribution",
        act=corrections.reopen,
        refusals=REFUSALS,
        applies=lambda attribution: attribution.status == Status.REJECTED,
    ),
    Correction(
        slug="reverse",
        label=gettext_lazy("Reverse"),
        explanation=gettext_lazy("The attribution ends and what it paid is taken back."),
        permission="referrals.reverse_attribution",
        act=corrections.reverse,
        refusals=REFUSALS,
        form_class=ClawBackForm,
        applies=_is_paid,
    ),
    Correction(
        slug="restore",
        label=gettext_lazy("Restore"),
        explanation=gettext_lazy(
            "The reversal is undone: the attribution stands where it stood, and what the reversal"
            " took is given back."
        ),
        permission="referrals.reverse_attribution",
        act=corrections.restore,
        refusals=REFUSALS,
        applies=lambda attribution: attribution.status == Status.REVERSED,
    ),
    Correction(
        slug="move",
        label=gettext_lazy("Move to another referrer"),
        explanation=gettext_lazy(
            "The attribution ends, and one to the new referrer takes its place, under the same"
            " terms and as far along. What was paid follows it."
        ),
        permission="referrals.move_attribution",
        act=corrections.move_to_referrer,
        refusals=REFUSALS,
        form_class=MoveForm,
        applies=lambda attribution: attribution.is_live,
    ),
    Correction(
        slug="undo-move",
        label=gettext_lazy("Undo the move"),
        explanation=gettext_lazy(
            "This attribution ends, and the one that it replaced stands again, with what it paid."
        ),
        permission="referrals.move_attribution",
        act=corrections.undo_move,
        refusals=REFUSALS,
        form_class=ClawBackForm,
        applies=lambda attribution: attribution.is_live and attribution.replaces_id is not None,
    ),
)


def _can_be_attributed(user: User) -> bool:
    if user.clerk_id is None or user.is_gone:
        return False
    return not Attribution.objects.live().filter(referee=user).exists()


ATTRIBUTE = Correction(
    slug="attribute",
    label=gettext_lazy("Attribute by hand"),
    explanation=gettext_lazy(
        "This person is attributed to a referrer, whatever the rules say, and paid. If they have"
        " done enough already, the referrer is paid too."
    ),
    permission="referrals.add_attribution",
    act=corrections.attribute_by_hand,
    refusals=REFUSALS,
    form_class=AttributeForm,
    applies=_can_be_attributed,
)
