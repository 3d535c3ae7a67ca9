from django.apps import AppConfig
from django.contrib.postgres.indexes import OpClass
from django.db.models.expressions import OrderBy
from django.db.models.functions import Collate
from django.db.models.indexes import IndexExpression
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        # What django.contrib.postgres does too, besides two queries on every new connection.
        IndexExpression.register_wrappers(OrderBy, OpClass, Collate)
        from accounts import checks, schema  # noqa: F401  (register themselves)
