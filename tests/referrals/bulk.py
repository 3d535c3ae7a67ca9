"""Decide many attributions in the list: choose, look at what it will do, confirm."""

from typing import Any

from django.test import Client

from referrals.models import Attribution

LIST = "/admin/referrals/attribution/"


def choose(client: Client, action: str, *attributions: Attribution) -> Any:
    """Use an action of the list; return the answer, which shows what it will do."""
    response = client.post(
        LIST, {"action": action, "_selected_action": [a.pk for a in attributions]}, follow=True
    )
    assert response.status_code == 200
    return response


def decide(client: Client, action: str, *attributions: Attribution, reason: str = "Settled") -> str:
    """Use an action of the list and confirm what it shows; return the page that follows."""
    shown = choose(client, action, *attributions)
    if not shown.context.get("moved"):
        return str(shown.content.decode())
    response = client.post(
        f"{LIST}decide/",
        {
            "decision": shown.context["verb"].slug,
            "case": [a.pk for a in shown.context["chosen"]],
            "back": shown.context["back"],
            "seen": shown.context["effect"].digest,
            **({"claw_back": "on"} if shown.context["form"].initial.get("claw_back") else {}),
            "reason": reason,
            "confirm": "yes",
        },
        follow=True,
    )
    assert response.status_code == 200
    return str(response.content.decode())
