-- What the two groups of logins may do in the tables database: those that read read all tables, those that write change their rows too. Neither makes
-- or drops anything. What waits to be imported is in a schema of its own, which neither may use.

DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO "bulkhead-tables-read", "bulkhead-tables-write"', current_database()); END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE "bulkhead-tables" GRANT SELECT ON TABLES TO "bulkhead-tables-read", "bulkhead-tables-write";
ALTER DEFAULT PRIVILEGES FOR ROLE "bulkhead-tables" GRANT INSERT, UPDATE, DELETE ON TABLES TO "bulkhead-tables-write";
ALTER DEFAULT PRIVILEGES FOR ROLE "bulkhead-tables" GRANT USAGE ON SEQUENCES TO "bulkhead-tables-write";
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'bulkhead_import') LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO "bulkhead-tables-read", "bulkhead-tables-write"', name);
        EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO "bulkhead-tables-read", "bulkhead-tables-write"', name);
        EXECUTE format('GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO "bulkhead-tables-write"', name);
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO "bulkhead-tables-write"', name);
    END LOOP;
END
$$;
