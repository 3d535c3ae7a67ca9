#!/bin/sh
# Run once, when the database is made: two roles, neither of them a superuser.
#
#   referrals_owner  owns the tables: migrations, `unused_tables`, `backup_drill`. It may make
#                    databases, for a backup is proved by restoring it into a scratch one
#   referrals        serves and runs the schedule: reads and writes rows. It cannot switch off the
#                    ledger's triggers, nor drop or empty a table.
set -eu
psql --username "${POSTGRES_USER:-postgres}" --dbname postgres --set ON_ERROR_STOP=1 <<'SQL'
\set owner_password `cat /run/secrets/database_owner_password`
\set app_password `cat /run/secrets/database_password`
CREATE ROLE referrals_owner LOGIN CREATEDB PASSWORD :'owner_password';
CREATE ROLE referrals LOGIN PASSWORD :'app_password';
-- A process that was cut off in the middle of a transaction holds its locks no longer than this.
ALTER ROLE referrals SET idle_in_transaction_session_timeout = '5min';
CREATE DATABASE referrals OWNER referrals_owner;
REVOKE CONNECT ON DATABASE referrals FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE referrals TO referrals;
\connect referrals
ALTER SCHEMA public OWNER TO referrals_owner;
SET ROLE referrals_owner;
GRANT USAGE ON SCHEMA public TO referrals;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO referrals;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO referrals;
SQL
