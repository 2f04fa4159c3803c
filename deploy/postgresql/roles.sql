-- The roles of upswell, each with no more than it needs. Run it as the owner of the tables, in the ledger's database,
-- once `upswell migrate` has made them, and again after each upgrade; twice is no harm:
--
--   psql -v ON_ERROR_STOP=1 -f roles.sql "$DATABASE_URL"
--
-- They can't log in. Make users, and make each a member of one:
--
--   CREATE ROLE receiver LOGIN PASSWORD '...' IN ROLE upswell_receiver;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['upswell_receiver', 'upswell_keeper', 'upswell_reader'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
    END LOOP;
END $$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO upswell_receiver, upswell_keeper, upswell_reader;

-- upswell serve --receive-only: adds deliveries. It reads of the inbox what tells whether a delivery is known, and
-- of the queue how long it is; no customer, no figure.
GRANT INSERT ON inbox, conflict, pending TO upswell_receiver;
GRANT SELECT (seq, account, event_id, sha256, codec, body, received_at) ON inbox TO upswell_receiver;
GRANT SELECT ON pending, seaql_migrations TO upswell_receiver;

-- upswell report, movements, customers, explain, verify, doctor, status, reconcile: reads.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO upswell_reader;

-- upswell serve, backfill, close, reopen, fx, deliver, reconcile (whose findings it keeps): keeps the ledger. What is only added to, it can only add to.
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO upswell_keeper;
GRANT UPDATE, DELETE ON
    pending, claim, disposition, fact, catalogue, asks, customer, level, finding, scheduled, attribute, pull, told, kind_told,
    dispatch, dispatch_plan, roll_up, roll_up_month, roll_up_touched, roll_up_closed
    TO upswell_keeper;
REVOKE INSERT ON seaql_migrations FROM upswell_keeper;
