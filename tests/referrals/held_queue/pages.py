"""The pages of the queue, as staff use them."""

from typing import Any

from django.test import Client

from referrals.models import Attribution

LIST = "/admin/referrals/attribution/"
QUEUE = f"{LIST}held/"
DECIDE = f"{LIST}decide/"


def page(client: Client, **asked: str) -> str:
    response = client.get(QUEUE, asked)
    assert response.status_code == 200
    return str(response.content.decode())


def show(client: Client, decision: str, *attributions: Attribution, **more: Any) -> Any:
    """Choose in the queue, and return the page that shows what the decision will do."""
    return client.post(
        DECIDE,
        {
            "decision": decision,
            "case": [a.pk for a in attributions],
            "reason": "Known to us",
            "back": QUEUE,
            **more,
        },
    )


def confirm(client: Client, shown: Any, **changed: Any) -> Any:
    """Confirm what a page has shown."""
    context = shown.context
    return client.post(
        DECIDE,
        {
            "decision": context["verb"].slug,
            "case": [a.pk for a in context["chosen"]],
            "reason": "Known to us",
            "back": context["back"],
            "seen": context["effect"].digest,
            "confirm": "yes",
            **changed,
        },
        follow=True,
    )
