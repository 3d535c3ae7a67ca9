from datetime import datetime
from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LegacyConfig(AppConfig):
    name = "mimivibes.legacy"
    label = "legacy"
    verbose_name = _("Earlier app")

    def ready(self) -> None:
        from accounts.signals import user_erased

        user_erased.connect(_forget, dispatch_uid="legacy.forget")


def _forget(*, user: Any, now: datetime, **kwargs: Any) -> dict[str, int]:
    from mimivibes.legacy.history import forget_person

    return forget_person(user_id=user.pk)
