"""What keeps the ledger true whoever writes to it: append-only, balanced, sealed, with balances."""

from django.db import migrations

LOCK_BALANCES = """
-- Return the balances of these users and currencies (two arrays, pairwise), locked.
-- Missing rows come first, then the locks, both in one order: two postings cannot deadlock.
CREATE FUNCTION rewards_lock_balances(users bigint[], currencies text[])
RETURNS SETOF rewards_balance LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rewards_balance (user_id, currency, amount)
    SELECT DISTINCT wanted.user_id, wanted.currency, 0
    FROM unnest(users, currencies) AS wanted(user_id, currency)
    WHERE NOT EXISTS (
        SELECT FROM rewards_balance AS held
        WHERE held.user_id = wanted.user_id AND held.currency = wanted.currency
    )
    ORDER BY 1, 2
    ON CONFLICT (user_id, currency) DO NOTHING;

    RETURN QUERY
    SELECT held.* FROM rewards_balance AS held
    WHERE (held.user_id, held.currency) IN (SELECT * FROM unnest(users, currencies))
    ORDER BY held.user_id, held.currency
    FOR NO KEY UPDATE;
END $$;
"""

KEEP_BALANCES = """
CREATE FUNCTION rewards_keep_balances() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM new_entries JOIN rewards_transaction AS made ON made.id = transaction_id
        WHERE made.sealed_in <> pg_current_xact_id()::text::bigint
    ) THEN
        RAISE EXCEPTION 'a transaction takes no more entries once it is committed'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'transaction_is_sealed';
    END IF;

    PERFORM rewards_lock_balances(array_agg(user_id), array_agg(currency::text))
    FROM new_entries WHERE user_id IS NOT NULL;

    UPDATE rewards_balance AS held SET amount = held.amount + change.amount
    FROM (
        SELECT user_id, currency, sum(amount) AS amount
        FROM new_entries WHERE user_id IS NOT NULL GROUP BY user_id, currency
    ) AS change
    WHERE held.user_id = change.user_id AND held.currency = change.currency;
    RETURN NULL;
END $$;

CREATE TRIGGER entry_keeps_balances AFTER INSERT ON rewards_entry
REFERENCING NEW TABLE AS new_entries
FOR EACH STATEMENT EXECUTE FUNCTION rewards_keep_balances();
"""

CHECK_TRANSACTION = """
CREATE FUNCTION rewards_check_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked uuid;
    original uuid;
    entries bigint;
    uneven boolean;
    foreign_user boolean;
BEGIN
    IF TG_TABLE_NAME = 'rewards_entry' THEN
        checked := NEW.transaction_id;
    ELSE
        checked := NEW.id;
        original := NEW.reverses_id;
    END IF;

    SELECT coalesce(sum(lines), 0), bool_or(total <> 0), bool_or(strangers)
    INTO entries, uneven, foreign_user
    FROM (
        SELECT count(*) AS lines, sum(entry.amount) AS total,
               bool_or(entry.user_id <> made.user_id) AS strangers
        FROM rewards_entry AS entry
        JOIN rewards_transaction AS made ON made.id = entry.transaction_id
        WHERE entry.transaction_id = checked
        GROUP BY entry.currency
    ) AS per_currency;

    IF entries = 0 THEN
        RAISE EXCEPTION 'transaction % has no entries', checked
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transaction_has_entries';
    ELSIF uneven THEN
        RAISE EXCEPTION 'transaction % does not sum to zero', checked
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transaction_sums_to_zero';
    ELSIF foreign_user THEN
        RAISE EXCEPTION 'transaction % moves the amounts of another user', checked
            USING ERRCODE = 'check_violation', CONSTRAINT = 'transaction_moves_one_user';
    ELSIF original IS NOT NULL AND (
        EXISTS (
            SELECT FROM rewards_transaction AS reversed
            WHERE reversed.id = original AND reversed.user_id <> NEW.user_id
        ) OR EXISTS (
            SELECT FROM rewards_entry WHERE transaction_id IN (checked, original)
            GROUP BY currency,
                     CASE WHEN house IN ('', 'clawed_back') THEN 'the user' ELSE house END
            HAVING sum(amount) <> 0
        )
    ) THEN
        RAISE EXCEPTION 'transaction % does not mirror what it reverses', checked
            USING ERRCODE = 'check_violation', CONSTRAINT = 'reversal_mirrors_its_original';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER transaction_is_checked AFTER INSERT ON rewards_transaction
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rewards_check_transaction();

CREATE CONSTRAINT TRIGGER entry_is_checked AFTER INSERT ON rewards_entry
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rewards_check_transaction();
"""

REFUSE = """
CREATE FUNCTION rewards_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is not allowed on %: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0]
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END $$;

CREATE TRIGGER transaction_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
ON rewards_transaction FOR EACH STATEMENT
EXECUTE FUNCTION rewards_refuse('correct it by a reversal');

CREATE TRIGGER entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE
ON rewards_entry FOR EACH STATEMENT
EXECUTE FUNCTION rewards_refuse('correct it by a reversal');

CREATE TRIGGER balance_follows_entries BEFORE UPDATE OR DELETE
ON rewards_balance FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
EXECUTE FUNCTION rewards_refuse('post a transaction');

CREATE TRIGGER balance_begins_at_zero BEFORE INSERT
ON rewards_balance FOR EACH ROW WHEN (NEW.amount <> 0)
EXECUTE FUNCTION rewards_refuse('post a transaction');

CREATE TRIGGER balance_is_not_truncated BEFORE TRUNCATE
ON rewards_balance FOR EACH STATEMENT
EXECUTE FUNCTION rewards_refuse('post a transaction');
"""

DROP = """
DROP TRIGGER balance_is_not_truncated ON rewards_balance;
DROP TRIGGER balance_begins_at_zero ON rewards_balance;
DROP TRIGGER balance_follows_entries ON rewards_balance;
DROP TRIGGER entry_is_append_only ON rewards_entry;
DROP TRIGGER transaction_is_append_only ON rewards_transaction;
DROP TRIGGER entry_is_checked ON rewards_entry;
DROP TRIGGER transaction_is_checked ON rewards_transaction;
DROP TRIGGER entry_keeps_balances ON rewards_entry;
DROP FUNCTION rewards_refuse();
DROP FUNCTION rewards_check_transaction();
DROP FUNCTION rewards_keep_balances();
DROP FUNCTION rewards_lock_balances(bigint[], text[]);
"""


class Migration(migrations.Migration):
    dependencies = [("rewards", "0001_initial")]

    operations = [
        migrations.RunSQL(
            LOCK_BALANCES + KEEP_BALANCES + CHECK_TRANSACTION + REFUSE, reverse_sql=DROP
        )
    ]
