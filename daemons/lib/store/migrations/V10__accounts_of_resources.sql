-- Accounts at other servers that resources ask as (OAuth 2).

-- A person who was sent to a server to say yes, and has not come back yet.
CREATE TABLE oauth_attempts (
    -- SHA-256 of the state that the browser carries.
    state_hash      bytea PRIMARY KEY,
    resource_id     uuid NOT NULL REFERENCES resources (id) ON DELETE CASCADE,
    -- Whose account it becomes; everybody's where there is nobody.
    user_id         uuid REFERENCES users (id) ON DELETE CASCADE,
    -- The session that it began in and has to end in.
    session_hash    bytea NOT NULL REFERENCES sessions (id_hash) ON DELETE CASCADE,
    -- What the settings were then, in short.
    settings_hash   bytea NOT NULL,
    -- Sealed to db-connector.
    sealed_verifier text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL DEFAULT now() + interval '10 minutes'
);
CREATE INDEX oauth_attempts_session ON oauth_attempts (session_hash);
CREATE INDEX oauth_attempts_resource ON oauth_attempts (resource_id);

-- An account that a resource asks as.
CREATE TABLE oauth_accounts (
    id            uuid PRIMARY KEY,
    resource_id   uuid NOT NULL REFERENCES resources (id) ON DELETE CASCADE,
    user_id       uuid REFERENCES users (id) ON DELETE CASCADE,
    -- Who connected it.
    connected_by  uuid REFERENCES users (id) ON DELETE SET NULL,
    -- For which settings its tokens were given: they are shown to nobody else.
    settings_hash bytea NOT NULL,
    -- Sealed to db-connector: a JSON document with both tokens.
    sealed_tokens text NOT NULL,
    -- When the server refused to renew them: the account has to be connected again.
    refused_at    timestamptz,
    -- Until when the access token is used.
    good_until    timestamptz NOT NULL,
    -- Grows with every token.
    version       bigint NOT NULL DEFAULT 1,
    connected_at  timestamptz NOT NULL DEFAULT now(),
    renewed_at    timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX oauth_accounts_own ON oauth_accounts (resource_id, user_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX oauth_accounts_shared ON oauth_accounts (resource_id) WHERE user_id IS NULL;

-- Who may touch what ------------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT, DELETE ON oauth_attempts TO "bulkhead-db-connector";
GRANT SELECT, INSERT, UPDATE, DELETE ON oauth_accounts TO "bulkhead-db-connector";
-- Never what is sealed.
GRANT SELECT (id, resource_id, user_id, connected_by, refused_at, good_until, version, connected_at, renewed_at) ON oauth_accounts TO "bulkhead-api";
