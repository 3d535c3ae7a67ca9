"""What all of our commands have in common."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class

OURS = {"accounts", "backoffice", "mimivibes", "mimivibes.legacy", "outbox", "referrals", "rewards"}
COMMANDS = sorted((app, name) for name, app in get_commands().items() if app in OURS)

# What a command needs to be run at all, and those that cannot find whom they are asked about, or
# are for development alone.
ARGUMENTS = {
    "create_api_key": ["web app", "--scope", "events"],
    "unused_tables": ["report"],
    "log_user": ["user_nobody"],
    "run_schedule": ["--crontab"],  # else it runs until it is told to stop
}
REFUSED = {
    "dev_token": ["nok"],
    "erase_user": ["user_nobody"],
    "explain": ["user_nobody"],
    "import_legacy": ["--source", "postgres://nobody@127.0.0.1:1/nothing"],
    "export_user": ["user_nobody"],
    "load_demo": [],
    "reset_second_factor": ["nobody"],
    "send_outbox": [],
}

# Django's own has none; the drill takes long, and has tests of its own.
WITHOUT_JSON = {"migrate", "backup_drill"}


@pytest.mark.parametrize(("app", "name"), COMMANDS)
def test_the_help_says_what_it_does_and_ends_with_an_example(app: str, name: str) -> None:
    command = load_command_class(app, name)

    shown = command.create_parser("manage.py", name).format_help()

    assert command.help
    assert f"manage.py {name}" in shown.partition("example:")[2]


@pytest.mark.django_db
@pytest.mark.parametrize("name", [name for _, name in COMMANDS if name not in REFUSED])
def test_there_is_nothing_to_do_in_an_empty_database(name: str) -> None:
    out = StringIO()

    call_command(name, *ARGUMENTS.get(name, []), stdout=out)

    assert out.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize("name", [n for _, n in COMMANDS if n not in {*WITHOUT_JSON, *REFUSED}])
def test_with_json_it_prints_one_object_and_nothing_else(name: str) -> None:
    arguments = {**ARGUMENTS, "run_schedule": ["--forget"]}.get(name, [])
    out = StringIO()

    call_command(name, *arguments, "--json", stdout=out)

    told: Any = json.loads(out.getvalue())
    assert isinstance(told, dict)


@pytest.mark.django_db
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_in_an_empty_database_says_why(name: str) -> None:
    with pytest.raises(CommandError, match=r"\w+ \w+"):
        call_command(name, *REFUSED[name])
