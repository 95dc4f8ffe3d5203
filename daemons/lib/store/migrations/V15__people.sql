-- What people log in with and leave behind: sessions that can be told apart, second factors, tokens, and the seals of the audit trail.

-- Sessions ------------------------------------------------------------------------------------------------------------

-- The id names a session to its owner; the hash of its cookie is shown to nobody.
ALTER TABLE sessions ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid();
ALTER TABLE sessions ADD COLUMN user_agent text;
ALTER TABLE sessions ADD COLUMN address text;
CREATE UNIQUE INDEX sessions_id ON sessions (id);

-- A password was right and something is still to come: no session yet, under a cookie of its own.
CREATE TABLE pending_log_ins (
    -- SHA-256 of the cookie.
    id_hash    bytea PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    needs      text NOT NULL CHECK (needs IN ('code', 'enrolment')),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '10 minutes'
);
CREATE INDEX pending_log_ins_user ON pending_log_ins (user_id);

-- Second factors --------------------------------------------------------------------------------------------------------

CREATE TABLE second_factors (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- Sealed to workflows-backend, which says whether a code is right.
    sealed       text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    -- Null until a code has shown that the person has it.
    confirmed_at timestamptz,
    -- The step of the newest code that was used: it and older ones are worth nothing any more.
    last_step    bigint NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX second_factors_confirmed ON second_factors (user_id) WHERE confirmed_at IS NOT NULL;
CREATE UNIQUE INDEX second_factors_begun ON second_factors (user_id) WHERE confirmed_at IS NULL;

CREATE TABLE recovery_codes (
    user_id   uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- SHA-256: a code has 80 random bits.
    code_hash bytea NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);

-- Tokens ------------------------------------------------------------------------------------------------------------------

CREATE TABLE api_tokens (
    id           uuid PRIMARY KEY,
    -- SHA-256 of the token.
    id_hash      bytea NOT NULL UNIQUE,
    user_id      uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    scope        text NOT NULL CHECK (scope IN ('read', 'all')),
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    UNIQUE (user_id, name)
);

-- Seals of the audit trail ------------------------------------------------------------------------------------------------

-- jobs-runner numbers committed records without a gap and chains them by hashes. Null: not sealed yet.
ALTER TABLE audit_log ADD COLUMN seal bigint;
ALTER TABLE audit_log ADD COLUMN hash bytea;
CREATE UNIQUE INDEX audit_log_seal ON audit_log (seal);
CREATE INDEX audit_log_unsealed ON audit_log (id) WHERE seal IS NULL;

-- Where the chain begins, once old records were deleted: the number and the hash of the last one that has gone.
CREATE TABLE audit_checkpoints (
    seal    bigint PRIMARY KEY,
    hash    bytea NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now()
);

-- Who may touch what ------------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT, DELETE ON pending_log_ins TO "bulkhead-api";
-- api writes what it sealed and cannot read it back.
GRANT SELECT (id, user_id, created_at, confirmed_at, last_step), INSERT, DELETE ON second_factors TO "bulkhead-api";
GRANT UPDATE (confirmed_at, last_step) ON second_factors TO "bulkhead-api";
GRANT SELECT (id, sealed) ON second_factors TO "bulkhead-workflows-backend";
GRANT SELECT, INSERT, DELETE ON recovery_codes TO "bulkhead-api";
GRANT SELECT, INSERT, DELETE ON api_tokens TO "bulkhead-api";
GRANT UPDATE (last_used_at) ON api_tokens TO "bulkhead-api";
GRANT SELECT ON audit_checkpoints TO "bulkhead-api";

-- Whoever adds a record cannot say how it is sealed.
REVOKE INSERT ON audit_log FROM "bulkhead-api", "bulkhead-workflows-backend";
GRANT INSERT (user_id, actor, action, object_kind, object_id, detail, request_id, address) ON audit_log TO "bulkhead-api", "bulkhead-workflows-backend";
