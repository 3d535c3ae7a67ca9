"""Old rows are only ever added; PostgreSQL itself refuses the rest."""

from django.db import migrations

FORWARD = """
-- An old row changes in one way alone: its details are emptied when its person is erased.
CREATE FUNCTION legacy_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.details = '{}' THEN OLD.details := '{}'; END IF;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER legacy_transaction_is_append_only BEFORE UPDATE OR DELETE
    ON legacy_legacytransaction FOR EACH ROW EXECUTE FUNCTION legacy_refuse_change();
CREATE TRIGGER legacy_transaction_is_not_truncated BEFORE TRUNCATE
    ON legacy_legacytransaction EXECUTE FUNCTION legacy_refuse_change();
"""

REVERSE = """
DROP TRIGGER legacy_transaction_is_not_truncated ON legacy_legacytransaction;
DROP TRIGGER legacy_transaction_is_append_only ON legacy_legacytransaction;
DROP FUNCTION legacy_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("legacy", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
