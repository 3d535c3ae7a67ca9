from django.apps import AppConfig


class DemoConfig(AppConfig):
    """The demo page's templates and static files; installed only while `DEBUG` is on."""

    name = "mimivibes.demo"
