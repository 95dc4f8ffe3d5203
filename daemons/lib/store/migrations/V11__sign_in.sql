-- People who sign in with an account at a provider of OpenID Connect.

CREATE TABLE sign_in_providers (
    id            uuid PRIMARY KEY,
    name          text NOT NULL UNIQUE,
    config        json NOT NULL,
    -- Sealed to db-connector, which alone speaks to providers.
    sealed_secret text,
    revision      bigint NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now()
);

-- A browser that was sent to a provider, and has not come back yet.
CREATE TABLE sign_in_attempts (
    -- SHA-256 of the state that the browser carries.
    state_hash   bytea PRIMARY KEY,
    -- SHA-256 of the cookie of the browser that it began in. The cookie decides nonce and PKCE verifier, so neither is stored.
    browser_hash bytea NOT NULL,
    provider_id  uuid NOT NULL REFERENCES sign_in_providers (id) ON DELETE CASCADE,
    -- Who is logged in and adds an account to theirs; nobody where somebody signs in.
    user_id      uuid REFERENCES users (id) ON DELETE CASCADE,
    expires_at   timestamptz NOT NULL DEFAULT now() + interval '10 minutes'
);
CREATE INDEX sign_in_attempts_expiry ON sign_in_attempts (expires_at);

-- Which account there is whose here. Never found by e-mail address.
CREATE TABLE sign_in_accounts (
    issuer      text NOT NULL,
    subject     text NOT NULL,
    user_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- As the provider told it last.
    email       text NOT NULL,
    linked_at   timestamptz NOT NULL DEFAULT now(),
    used_at     timestamptz,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX sign_in_accounts_user ON sign_in_accounts (user_id);

-- Who may touch what ------------------------------------------------------------------------------------------------------

-- api writes the sealed secret and cannot read it back.
GRANT SELECT (id, name, config, revision, created_at, updated_at), INSERT, DELETE ON sign_in_providers TO "bulkhead-api";
GRANT UPDATE (config, sealed_secret, revision, updated_at) ON sign_in_providers TO "bulkhead-api";
GRANT SELECT, INSERT, DELETE ON sign_in_attempts TO "bulkhead-api";
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_accounts TO "bulkhead-api";
GRANT SELECT ON sign_in_providers TO "bulkhead-db-connector";
