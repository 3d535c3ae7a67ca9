from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class BackofficeConfig(AppConfig):
    """How the admin works, whatever it shows: lists, corrections, exports, signing in."""

    name = "backoffice"
    verbose_name = _("Back office")

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from backoffice.sign_in.sessions import limit_session

        user_logged_in.connect(limit_session, dispatch_uid="backoffice.limit_session")


class BackofficeAdminConfig(admin_apps.AdminConfig):
    """Django's admin, its site replaced by one that guards the way in."""

    default = False
    default_site = "backoffice.site.BackofficeSite"
