-- Ledger entries by month, step 2 of 2: a moment in which writers wait. If it cannot have the table
-- within two seconds it fails, and changes nothing: run it again. docs/scaling.md
--   psql "$DATABASE_URL" -v ON_ERROR_STOP=1 --single-transaction -f deploy/partitioning/2-switch.sql

SET LOCAL lock_timeout = '2s';
LOCK TABLE rewards_entry IN ACCESS EXCLUSIVE MODE;

-- A trigger on a partition is told the partition's name.
DO $$
BEGIN
    EXECUTE replace(
        pg_get_functiondef('rewards_check_transaction'::regproc),
        'TG_TABLE_NAME = ''rewards_entry''', 'TG_TABLE_NAME <> ''rewards_transaction'''
    );
END $$;

DO $$
DECLARE
    bound text := substring(
        pg_get_constraintdef((SELECT oid FROM pg_constraint WHERE conname = 'entry_is_past'))
        FROM '''([0-9a-f-]+)'''
    );
    next_id bigint := (SELECT coalesce(max(id), 0) + 1 FROM rewards_entry);
    triggers text[] := ARRAY(
        SELECT pg_get_triggerdef(oid) FROM pg_trigger
        WHERE tgrelid = 'rewards_entry'::regclass AND NOT tgisinternal
    );
    names text[] := ARRAY(
        SELECT tgname FROM pg_trigger
        WHERE tgrelid = 'rewards_entry'::regclass AND NOT tgisinternal
    );
    constraints text[] := ARRAY(
        SELECT format('ALTER TABLE rewards_entry ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(oid))
        FROM pg_constraint WHERE conrelid = 'rewards_entry'::regclass AND contype IN ('f', 'u')
    );
    indexes text[] := ARRAY(
        SELECT pg_get_indexdef(indexrelid) FROM pg_index
        WHERE indrelid = 'rewards_entry'::regclass AND NOT indisprimary
          AND indexrelid <> 'rewards_entry_by_transaction'::regclass
          AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    );
    each text;
BEGIN
    FOREACH each IN ARRAY names LOOP
        EXECUTE format('DROP TRIGGER %I ON rewards_entry', each);
    END LOOP;
    ALTER TABLE rewards_entry ALTER id DROP IDENTITY;
    ALTER TABLE rewards_entry DROP CONSTRAINT rewards_entry_pkey;
    ALTER TABLE rewards_entry ADD CONSTRAINT rewards_entry_past_pkey
        PRIMARY KEY USING INDEX rewards_entry_by_transaction;
    FOR each IN SELECT indexrelid::regclass::text FROM pg_index
                WHERE indrelid = 'rewards_entry'::regclass AND NOT indisprimary LOOP
        EXECUTE format('ALTER INDEX %s RENAME TO %I', each, left(trim(each, '"'), 58) || '_past');
    END LOOP;
    ALTER TABLE rewards_entry RENAME TO rewards_entry_past;

    CREATE TABLE rewards_entry (
        LIKE rewards_entry_past INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE,
        CONSTRAINT rewards_entry_pkey PRIMARY KEY (id, transaction_id)
    ) PARTITION BY RANGE (transaction_id);
    ALTER TABLE rewards_entry DROP CONSTRAINT entry_is_past;
    -- Before PostgreSQL 17 an identity cannot be shared with partitions: a sequence can.
    EXECUTE format('CREATE SEQUENCE rewards_entry_id_seq START %s OWNED BY rewards_entry.id', next_id);
    ALTER TABLE rewards_entry ALTER id SET DEFAULT nextval('rewards_entry_id_seq');
    FOREACH each IN ARRAY constraints || indexes LOOP
        EXECUTE each;
    END LOOP;
    EXECUTE format(
        'ALTER TABLE rewards_entry ATTACH PARTITION rewards_entry_past FOR VALUES FROM (MINVALUE) TO (%L)',
        bound
    );
    ALTER TABLE rewards_entry_past DROP CONSTRAINT entry_is_past;
    FOREACH each IN ARRAY triggers LOOP
        EXECUTE each;
    END LOOP;
    CREATE TRIGGER entry_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON rewards_entry_past
        FOR EACH STATEMENT EXECUTE FUNCTION rewards_refuse('correct it by a reversal');
END $$;

-- A year ahead; more by make_entries_of.
SELECT make_entries_of((date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month')::date)
FROM generate_series(2, 14) AS n;
