"""What each rule held is found by an index, for the filter of the held queue."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

RULES = {
    "devices_differ": "device",
    "mailboxes_differ": "mailbox",
    "mailbox_is_lasting": "disposable",
    "referrer_is_not_hurried": "referrer",
    "address_is_not_hurried": "address",
}


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("referrals", "0007_indexes_of_the_dashboard")]

    operations = [
        AddIndexConcurrently(
            "decision",
            models.Index(
                fields=["attribution"],
                condition=models.Q(evaluations__contains=[{"rule": rule, "verdict": "review"}]),
                name=f"decision_held_by_{name}",
            ),
        )
        for rule, name in RULES.items()
    ]
