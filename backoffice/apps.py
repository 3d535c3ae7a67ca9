from django.apps import AppConfig


class BackofficeConfig(AppConfig):
    """How the admin works, whatever it shows: lists, corrections with a preview, exports."""

    name = "backoffice"
    verbose_name = "Back office"
