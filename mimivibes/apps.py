from django.apps import AppConfig


class MimivibesConfig(AppConfig):
    name = "mimivibes"
    verbose_name = "MiMiVibes"

    def ready(self) -> None:
        from mimivibes import checks  # noqa: F401  (registers the system checks)
