"""Staff's note on a transaction; and a reversal moves its user back, no further than they came.

The first check of reversals took the user and `clawed_back` together. That is not enough where the
original itself moved amounts between these two, as taking back does.
"""

from importlib import import_module

from django.db import migrations, models

FIRST = import_module("rewards.migrations.0002_ledger_triggers").CHECK_TRANSACTION

MIRRORS = """            HAVING sum(amount) <> 0
        )
"""
MIRRORS_AND_GOES_NO_FURTHER = """            HAVING sum(amount) <> 0
        ) OR EXISTS (
            SELECT FROM (
                SELECT coalesce(sum(amount) FILTER (WHERE transaction_id = original), 0) AS came,
                       coalesce(sum(amount) FILTER (WHERE transaction_id = checked), 0) AS goes
                FROM rewards_entry
                WHERE transaction_id IN (checked, original) AND house = ''
                GROUP BY currency
            ) AS moved
            -- What the user gained is taken back, or as much of it as is left; what they lost is
            -- given back in full.
            WHERE goes NOT BETWEEN -came AND greatest(-came, 0)
        )
"""


def function(condition: str) -> str:
    """Return the statement that (re)places the function alone: the triggers stay as they are."""
    create = FIRST.partition("CREATE CONSTRAINT TRIGGER")[0]
    return create.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(
        MIRRORS, condition
    )


class Migration(migrations.Migration):
    dependencies = [("rewards", "0004_ledger_proof")]

    operations = [
        migrations.AlterModelOptions(
            name="transaction",
            options={"permissions": [("correct_transaction", "Can reverse single transactions")]},
        ),
        migrations.AddField(
            model_name="transaction",
            name="note",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="Why staff did it. For staff alone: the user sees the memo.",
            ),
        ),
        migrations.RunSQL(function(MIRRORS_AND_GOES_NO_FURTHER), reverse_sql=function(MIRRORS)),
    ]
