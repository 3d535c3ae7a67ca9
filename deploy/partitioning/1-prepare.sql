-- Ledger entries by month, step 1 of 2: while everything runs, nothing waits. docs/scaling.md
--   psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f deploy/partitioning/1-prepare.sql

-- Ids of transactions are UUIDs of version 7, which begin with their time: an entry belongs to the
-- month of its transaction, and whoever looks for a transaction's entries looks into one partition.
CREATE OR REPLACE FUNCTION first_id_of(month date) RETURNS uuid LANGUAGE sql STABLE AS $$
    SELECT (left(ms, 8) || '-' || right(ms, 4) || '-0000-0000-000000000000')::uuid
    FROM lpad(to_hex((extract(epoch FROM month::timestamp AT TIME ZONE 'UTC') * 1000)::bigint), 12, '0') AS ms
$$;

-- Makes the partition of a month, if it is not there. To be run each month, for the next ones.
CREATE OR REPLACE FUNCTION make_entries_of(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := 'rewards_entry_' || to_char(month, 'YYYY_MM');
BEGIN
    IF to_regclass(name) IS NOT NULL THEN RETURN; END IF;
    EXECUTE format(
        'CREATE TABLE %I PARTITION OF rewards_entry FOR VALUES FROM (%L) TO (%L)',
        name, first_id_of(month), first_id_of((month + interval '1 month')::date)
    );
    EXECUTE format(
        'CREATE TRIGGER entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I'
        ' FOR EACH STATEMENT EXECUTE FUNCTION rewards_refuse(%L)', name, 'correct it by a reversal'
    );
END $$;

-- The key of a partitioned table must hold what it is partitioned by.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS rewards_entry_by_transaction
ON rewards_entry (id, transaction_id);

-- What is there so far becomes the first partition, up to the month after next; known to hold
-- nothing later, it is not read again when it is attached. Do step 2 before that month begins.
DO $$
BEGIN
    EXECUTE format(
        'ALTER TABLE rewards_entry ADD CONSTRAINT entry_is_past CHECK (transaction_id < %L) NOT VALID',
        first_id_of((date_trunc('month', now() AT TIME ZONE 'UTC') + interval '2 months')::date)
    );
END $$;
ALTER TABLE rewards_entry VALIDATE CONSTRAINT entry_is_past;
