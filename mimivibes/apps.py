from datetime import datetime
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_lazy, gettext_noop


class MimivibesConfig(AppConfig):
    """The composition root: what accounts tells, rewards acts on, and neither knows the other."""

    name = "mimivibes"
    verbose_name = gettext_lazy("Operations")

    def ready(self) -> None:
        from accounts.signals import user_erased, user_provisioned
        from mimivibes import checks, deployment  # noqa: F401  (they register the system checks)
        from mimivibes.metrics.processes import connect_signals

        user_provisioned.connect(_pay_welcome, dispatch_uid="mimivibes.pay_welcome")
        user_erased.connect(_close_account, dispatch_uid="mimivibes.close_account")
        connect_signals()
        if settings.SENTRY_DSN:
            from mimivibes.error_reports import start_reporting

            start_reporting()


def _pay_welcome(*, user: Any, now: datetime, **kwargs: Any) -> None:
    from rewards.services import pay_rules

    pay_rules(user_id=user.pk, trigger="user.provisioned", count=1, now=now)


def _close_account(*, user: Any, now: datetime, **kwargs: Any) -> dict[str, int]:
    from accounts.identity import Identity
    from rewards.services import forfeit_balances, forget_answers

    reason = gettext_noop("The account was deleted")
    forfeited = forfeit_balances(user_id=user.pk, reason=reason, now=now)
    # Afterwards: whoever exchanges at this moment has finished, for that waits for the balances.
    forgotten = forget_answers(caller=Identity(user, session_id="").caller)
    return {"forfeits_posted": int(forfeited is not None), "kept_answers_removed": forgotten}
