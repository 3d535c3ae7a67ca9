"""Terms, timeline and decisions are only ever added to; PostgreSQL itself refuses the rest."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION referrals_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

-- A decision loses its address hash when that has expired, and the link to a cleaned capture.
CREATE FUNCTION referrals_refuse_decision_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.attribution_id IS NULL THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF NEW.address_hash = '' THEN OLD.address_hash := ''; END IF;
        IF NEW.capture_id IS NULL THEN OLD.capture_id := NULL; END IF;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER terms_are_immutable BEFORE UPDATE OR DELETE ON referrals_programterms
    FOR EACH ROW EXECUTE FUNCTION referrals_refuse_change();
CREATE TRIGGER timeline_is_append_only BEFORE UPDATE OR DELETE ON referrals_timelineentry
    FOR EACH ROW EXECUTE FUNCTION referrals_refuse_change();
CREATE TRIGGER decision_is_append_only BEFORE UPDATE OR DELETE ON referrals_decision
    FOR EACH ROW EXECUTE FUNCTION referrals_refuse_decision_change();

CREATE TRIGGER terms_are_not_truncated BEFORE TRUNCATE ON referrals_programterms
    EXECUTE FUNCTION referrals_refuse_change();
CREATE TRIGGER timeline_is_not_truncated BEFORE TRUNCATE ON referrals_timelineentry
    EXECUTE FUNCTION referrals_refuse_change();
CREATE TRIGGER decision_is_not_truncated BEFORE TRUNCATE ON referrals_decision
    EXECUTE FUNCTION referrals_refuse_change();
"""

REVERSE = """
DROP TRIGGER decision_is_not_truncated ON referrals_decision;
DROP TRIGGER timeline_is_not_truncated ON referrals_timelineentry;
DROP TRIGGER terms_are_not_truncated ON referrals_programterms;
DROP TRIGGER decision_is_append_only ON referrals_decision;
DROP TRIGGER timeline_is_append_only ON referrals_timelineentry;
DROP TRIGGER terms_are_immutable ON referrals_programterms;
DROP FUNCTION referrals_refuse_decision_change();
DROP FUNCTION referrals_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("referrals", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
