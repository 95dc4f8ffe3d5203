-- Runs that wait for events, and questions to groups, with forms, that escalate.

-- Groups ------------------------------------------------------------------------------------------------------------------

-- Documents name a group, so its name never changes.
CREATE TABLE groups (
    id          uuid PRIMARY KEY,
    name        text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 63),
    description text NOT NULL DEFAULT '' CHECK (length(description) <= 500),
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE group_members (
    group_id uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    user_id  uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    added_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX group_members_user ON group_members (user_id);

-- Approvals ---------------------------------------------------------------------------------------------------------------

-- Groups whose members may decide.
ALTER TABLE approvals ADD COLUMN groups text[] NOT NULL DEFAULT '{}';
-- The fields of the form as released, and what was filled in.
ALTER TABLE approvals ADD COLUMN form json NOT NULL DEFAULT '[]';
ALTER TABLE approvals ADD COLUMN answers json;
-- Who may decide too from when on. They may once it is written in the audit trail, which is when escalated_at is set.
ALTER TABLE approvals ADD COLUMN escalate_at timestamptz;
ALTER TABLE approvals ADD COLUMN escalate_people text[] NOT NULL DEFAULT '{}';
ALTER TABLE approvals ADD COLUMN escalate_groups text[] NOT NULL DEFAULT '{}';
ALTER TABLE approvals ADD COLUMN escalated_at timestamptz;
CREATE INDEX approvals_escalate ON approvals (escalate_at) WHERE escalate_at IS NOT NULL AND escalated_at IS NULL AND decided_at IS NULL;

-- Events ------------------------------------------------------------------------------------------------------------------

-- What was sent to the runs of a workflow. A run takes what came since it was created.
CREATE TABLE workflow_events (
    id              uuid PRIMARY KEY,
    workflow_id     uuid NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    name            text NOT NULL,
    -- '' where the event has none.
    key             text NOT NULL,
    body_json       text,
    body_packed     bytea,
    idempotency_key text,
    -- Events of one name and key are stored one after the other, and in this order are they taken.
    received_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX workflow_events_idempotency ON workflow_events (workflow_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX workflow_events_match ON workflow_events (workflow_id, name, key, received_at);
CREATE INDEX workflow_events_age ON workflow_events (received_at);

-- Blocks that wait for an event, or have taken one.
CREATE TABLE event_waits (
    run_id       uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    block        text NOT NULL,
    iteration    integer[] NOT NULL,
    workflow_id  uuid NOT NULL,
    name         text NOT NULL,
    key          text NOT NULL,
    deadline     timestamptz,
    event_id     uuid REFERENCES workflow_events (id) ON DELETE SET NULL,
    -- When it was over: with the event, or at the deadline without.
    ended_at     timestamptz,
    PRIMARY KEY (run_id, block, iteration)
);
CREATE INDEX event_waits_open ON event_waits (workflow_id, name, key) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX event_waits_taken ON event_waits (event_id, run_id) WHERE event_id IS NOT NULL;

-- Who may touch what ------------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT, DELETE ON groups TO "bulkhead-api";
GRANT UPDATE (description) ON groups TO "bulkhead-api";
GRANT SELECT, INSERT, DELETE ON group_members TO "bulkhead-api";
GRANT UPDATE (answers) ON approvals TO "bulkhead-api";
GRANT SELECT, INSERT ON workflow_events TO "bulkhead-api";
GRANT SELECT ON event_waits TO "bulkhead-api";

GRANT UPDATE (escalated_at) ON approvals TO "bulkhead-workflows-backend";
GRANT SELECT, DELETE ON workflow_events TO "bulkhead-workflows-backend";
GRANT SELECT, INSERT ON event_waits TO "bulkhead-workflows-backend";
GRANT UPDATE (event_id, ended_at) ON event_waits TO "bulkhead-workflows-backend";
