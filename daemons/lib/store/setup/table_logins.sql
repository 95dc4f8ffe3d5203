-- Logins of people to the tables database, as only a superuser can make them. Installed by `bulkheadctl setup` in Bulkhead's own database, where
-- bulkhead-api may call them and nobody else: the owner of the tables, as whom people's SQL runs, must not make roles.
--
-- A login can do nothing but connect to the tables database: it is in one of two groups, owns nothing and makes nothing. Which logins these functions
-- touch is told by the comment on the role, not by its name.

DO $$ BEGIN CREATE ROLE "bulkhead-tables-read" NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
DO $$ BEGIN CREATE ROLE "bulkhead-tables-write" NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;

CREATE SCHEMA IF NOT EXISTS table_logins;
ALTER SCHEMA table_logins OWNER TO CURRENT_USER;
REVOKE ALL ON SCHEMA table_logins FROM PUBLIC;
GRANT USAGE ON SCHEMA table_logins TO "bulkhead-api";

-- All logins, with the sessions that they have open. The owner is a user of Bulkhead.
CREATE OR REPLACE FUNCTION table_logins.list() RETURNS TABLE (login text, owner text, may_write boolean, sessions bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.rolname::text, substr(d.description, 28),
        EXISTS (SELECT FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid AND g.rolname = 'bulkhead-tables-write'),
        (SELECT count(*) FROM pg_stat_activity a WHERE a.usesysid = r.oid)
    FROM pg_roles r JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass
    WHERE d.description LIKE 'bulkhead: a table login of %' AND NOT r.rolsuper AND r.rolcanlogin
$$;

-- Makes a login, or gives the one that its owner has a new password and other rights.
CREATE OR REPLACE FUNCTION table_logins.make(login text, verifier text, owner text, may_write boolean, connections integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = error
AS $$
DECLARE
    words CONSTANT text := 'bulkhead: a table login of ' || owner;
    present CONSTANT oid := (SELECT r.oid FROM pg_roles r WHERE r.rolname = login);
BEGIN
    IF login !~ '^tables_[a-z0-9_]{1,50}$' OR owner !~ '^[0-9a-f-]{36}$' OR connections NOT BETWEEN 1 AND 20
        OR verifier !~ '^SCRAM-SHA-256\$[0-9]+:[A-Za-z0-9+/=]+\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+$'
    THEN
        RAISE EXCEPTION 'this is no login of a person' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF present IS NULL THEN
        EXECUTE format('CREATE ROLE %I LOGIN INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT %s PASSWORD %L',
            login, connections, verifier);
        EXECUTE format('COMMENT ON ROLE %I IS %L', login, words);
    ELSIF coalesce(shobj_description(present, 'pg_authid') NOT IN (words, 'bulkhead: a table login that was taken away'), true) THEN
        RAISE EXCEPTION 'the role % is not one of this person', login USING ERRCODE = 'duplicate_object';
    ELSE
        EXECUTE format('ALTER ROLE %I LOGIN CONNECTION LIMIT %s PASSWORD %L', login, connections, verifier);
        EXECUTE format('COMMENT ON ROLE %I IS %L', login, words);
        -- Whoever has the old password is out.
        PERFORM pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.usesysid = present;
        EXECUTE format('REVOKE "bulkhead-tables-read", "bulkhead-tables-write" FROM %I', login);
    END IF;
    EXECUTE format('GRANT %I TO %I', CASE WHEN may_write THEN 'bulkhead-tables-write' ELSE 'bulkhead-tables-read' END, login);
END
$$;

-- Takes a login away, and ends its sessions.
CREATE OR REPLACE FUNCTION table_logins.remove(login text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = error
AS $$
DECLARE
    present CONSTANT oid := (SELECT r.oid FROM pg_roles r WHERE r.rolname = login AND NOT r.rolsuper
        AND shobj_description(r.oid, 'pg_authid') LIKE 'bulkhead: a table login of %');
BEGIN
    IF present IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('ALTER ROLE %I NOLOGIN PASSWORD NULL', login);
    EXECUTE format('REVOKE "bulkhead-tables-read", "bulkhead-tables-write" FROM %I', login);
    PERFORM pg_terminate_backend(a.pid) FROM pg_stat_activity a WHERE a.usesysid = present;
    BEGIN
        EXECUTE format('DROP ROLE %I', login);
    EXCEPTION WHEN dependent_objects_still_exist THEN
        -- Somebody has granted it something by hand. It stays, and lets nobody in.
        EXECUTE format('COMMENT ON ROLE %I IS ''bulkhead: a table login that was taken away''', login);
    END;
    RETURN true;
END
$$;

ALTER FUNCTION table_logins.list() OWNER TO CURRENT_USER;
ALTER FUNCTION table_logins.make(text, text, text, boolean, integer) OWNER TO CURRENT_USER;
ALTER FUNCTION table_logins.remove(text) OWNER TO CURRENT_USER;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA table_logins FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA table_logins TO "bulkhead-api";
