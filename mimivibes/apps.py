from datetime import datetime
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.utils.translation import gettext_noop


class MimivibesConfig(AppConfig):
    """The composition root: what accounts tells, rewards acts on, and neither knows the other."""

    name = "mimivibes"
    verbose_name = "MiMiVibes"

    def ready(self) -> None:
        from accounts.signals import user_erased, user_provisioned
        from mimivibes import checks, deployment  # noqa: F401  (they register the system checks)
        from mimivibes.metrics.processes import connect_signals

        user_provisioned.connect(_pay_welcome, dispatch_uid="mimivibes.pay_welcome")
        user_erased.connect(_forfeit_balances, dispatch_uid="mimivibes.forfeit_balances")
        connect_signals()
        if settings.SENTRY_DSN:
            from mimivibes.error_reports import start_reporting

            start_reporting()


def _pay_welcome(*, user: Any, now: datetime, **kwargs: Any) -> None:
    from rewards.services import pay_rules

    pay_rules(user_id=user.pk, trigger="user.provisioned", count=1, now=now)


def _forfeit_balances(*, user: Any, now: datetime, **kwargs: Any) -> None:
    from rewards.services import forfeit_balances

    forfeit_balances(user_id=user.pk, reason=gettext_noop("The account was deleted"), now=now)
