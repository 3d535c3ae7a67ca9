"""What all of our commands have in common."""

import pytest
from django.core.management import get_commands, load_command_class

OURS = {"accounts", "backoffice", "mimivibes", "referrals", "rewards"}
COMMANDS = sorted((app, name) for name, app in get_commands().items() if app in OURS)


@pytest.mark.parametrize(("app", "name"), COMMANDS)
def test_the_help_says_what_it_does_and_ends_with_an_example(app: str, name: str) -> None:
    command = load_command_class(app, name)

    shown = command.create_parser("manage.py", name).format_help()

    assert command.help
    assert f"manage.py {name}" in shown.partition("example:")[2]
