"""The names of models, fields and choices as staff read them: no table changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mimivibes", "0002_roles"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="commandrun",
            options={"verbose_name": "command run", "verbose_name_plural": "command runs"},
        ),
        migrations.AlterField(
            model_name="commandrun",
            name="command",
            field=models.CharField(max_length=100, verbose_name="command"),
        ),
        migrations.AlterField(
            model_name="commandrun",
            name="finished_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="finished at"),
        ),
        migrations.AlterField(
            model_name="commandrun",
            name="outcome",
            field=models.CharField(
                blank=True,
                choices=[
                    ("done", "Done"),
                    ("stopped", "Stopped early by --max-seconds"),
                    ("failed", "Failed"),
                    ("killed", "Killed, found by the next run"),
                ],
                default="",
                max_length=10,
                verbose_name="outcome",
            ),
        ),
        migrations.AlterField(
            model_name="commandrun",
            name="report",
            field=models.JSONField(default=dict, verbose_name="report"),
        ),
        migrations.AlterField(
            model_name="commandrun",
            name="runner",
            field=models.CharField(
                help_text="Machine and process.", max_length=300, verbose_name="runner"
            ),
        ),
        migrations.AlterField(
            model_name="commandrun",
            name="started_at",
            field=models.DateTimeField(verbose_name="started at"),
        ),
    ]
