-- SSH hosts that are reached through others, and that let in by key or by password.

ALTER TABLE ssh_hosts
    -- The host that it is reached through. At most four hosts stand in a row, and no row closes on itself: whoever writes sees to it.
    ADD COLUMN jump_host_id   uuid REFERENCES ssh_hosts (id),
    -- What the sealed secret holds: a JSON document with the private key and its passphrase, or with the password.
    ADD COLUMN authentication text NOT NULL DEFAULT 'key' CHECK (authentication IN ('key', 'password')),
    ADD COLUMN updated_at     timestamptz NOT NULL DEFAULT now(),
    ADD CHECK (jump_host_id <> id);
CREATE INDEX ssh_hosts_jump ON ssh_hosts (jump_host_id);

-- Who may touch what ------------------------------------------------------------------------------------------------------

-- api writes the sealed secret and cannot read it back.
REVOKE SELECT, UPDATE ON ssh_hosts FROM "bulkhead-api";
GRANT SELECT (id, name, host, port, user_name, host_key, jump_host_id, authentication, created_at, updated_at) ON ssh_hosts TO "bulkhead-api";
GRANT UPDATE (host, port, user_name, host_key, jump_host_id, authentication, sealed_secret, updated_at) ON ssh_hosts TO "bulkhead-api";
