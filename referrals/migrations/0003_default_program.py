"""The default program and its first terms; an installation that has a default program keeps it."""

from datetime import UTC, datetime

from django.db import migrations

# The first terms have always been in force: an import brings claims older than this database.
THE_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


def add_default_program(apps, schema_editor):
    Program = apps.get_model("referrals", "Program")
    if Program.objects.filter(is_default=True).exists():
        return
    program = Program.objects.create(slug="default", name="Invite a friend", is_default=True)
    apps.get_model("referrals", "ProgramTerms").objects.create(
        program=program,
        version=1,
        effective_from=THE_BEGINNING,
        referee_stars=1,
        referrer_coins=50,
    )


class Migration(migrations.Migration):
    dependencies = [("referrals", "0002_append_only")]

    operations = [migrations.RunPython(add_default_program, migrations.RunPython.noop)]
