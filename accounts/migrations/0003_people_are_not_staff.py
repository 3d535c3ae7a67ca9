from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q

NAME = "user_of_clerk_is_not_staff"


class Migration(migrations.Migration):
    # Rows are looked at after the constraint stands, under a lock that stops nobody.
    atomic = False

    dependencies = [
        ("accounts", "0002_index_of_unfinished_webhooks"),
    ]

    operations = [
        AddConstraintNotValid(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=Q(clerk_id__isnull=True)
                | Q(username__isnull=True, is_staff=False, is_superuser=False),
                name=NAME,
            ),
        ),
        ValidateConstraint(model_name="user", name=NAME),
    ]
