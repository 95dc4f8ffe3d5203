-- Runs with loops, attempts, waits, approvals and sub-workflows.

-- Blocks: which round of which loops, which attempt -----------------------------------------------------------------------

-- An iteration lists the round of each loop around the block, the outermost first: {} outside of loops.
ALTER TABLE block_runs ALTER COLUMN iteration DROP DEFAULT;
ALTER TABLE block_runs ALTER COLUMN iteration TYPE integer[] USING CASE WHEN iteration = 0 THEN '{}'::integer[] ELSE ARRAY[iteration] END;
ALTER TABLE block_runs ALTER COLUMN iteration SET DEFAULT '{}';
ALTER TABLE block_calls ALTER COLUMN iteration DROP DEFAULT;
ALTER TABLE block_calls ALTER COLUMN iteration TYPE integer[] USING CASE WHEN iteration = 0 THEN '{}'::integer[] ELSE ARRAY[iteration] END;
ALTER TABLE block_calls ALTER COLUMN iteration SET DEFAULT '{}';
ALTER TABLE block_logs ALTER COLUMN iteration DROP DEFAULT;
ALTER TABLE block_logs ALTER COLUMN iteration TYPE integer[] USING CASE WHEN iteration = 0 THEN '{}'::integer[] ELSE ARRAY[iteration] END;
ALTER TABLE block_logs ALTER COLUMN iteration SET DEFAULT '{}';

-- Another attempt makes its calls anew.
ALTER TABLE block_calls ADD COLUMN attempt integer NOT NULL DEFAULT 1;
ALTER TABLE block_calls DROP CONSTRAINT block_calls_pkey;
ALTER TABLE block_calls ADD PRIMARY KEY (run_id, block, iteration, attempt, call);

-- The row that makes this one unnecessary for going on with the run, once it has ended: that of the round which it is part of, and
-- for the row of a round that of its loop. Its iteration is as many of this one's numbers.
ALTER TABLE block_runs ADD COLUMN cover_block text;
ALTER TABLE block_runs ADD COLUMN cover_depth smallint;

-- Whether a failed attempt had made calls that change something when it ended.
ALTER TABLE block_runs ADD COLUMN wrote boolean NOT NULL DEFAULT false;

-- A port is a word of the document.
ALTER TABLE block_runs DROP CONSTRAINT block_runs_port_check;

-- Runs --------------------------------------------------------------------------------------------------------------------

ALTER TABLE runs DROP CONSTRAINT runs_status_check;
ALTER TABLE runs ADD CONSTRAINT runs_status_check CHECK (status IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled'));
-- What a waiting run waits for: {kind, block, until}.
ALTER TABLE runs ADD COLUMN waiting_for json;
-- The run that a block of started it.
ALTER TABLE runs ADD COLUMN parent_run uuid REFERENCES runs (id) ON DELETE CASCADE;
ALTER TABLE runs ADD COLUMN parent_block text;
ALTER TABLE runs ADD COLUMN parent_iteration integer[];
-- Whether that block waits for it.
ALTER TABLE runs ADD COLUMN parent_waits boolean NOT NULL DEFAULT false;
ALTER TABLE runs ADD COLUMN depth integer NOT NULL DEFAULT 0;
-- What the last block of a run with a parent came to.
ALTER TABLE runs ADD COLUMN result_json text;
ALTER TABLE runs ADD COLUMN result_packed bytea;
CREATE UNIQUE INDEX runs_children ON runs (parent_run, parent_block, parent_iteration) WHERE parent_run IS NOT NULL;
DROP INDEX runs_unfinished;
CREATE INDEX runs_unfinished ON runs (id) WHERE finished_at IS NULL;

-- Values of a run's variables, as far as a block has set them.
CREATE TABLE run_variables (
    run_id uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name   text NOT NULL,
    value  json NOT NULL,
    PRIMARY KEY (run_id, name)
);

-- A run that waits is woken when what it waits for has come.
ALTER TABLE run_outbox DROP CONSTRAINT run_outbox_kind_check;
ALTER TABLE run_outbox ADD CONSTRAINT run_outbox_kind_check CHECK (kind IN ('start', 'cancel', 'wake'));

-- The worker that makes a run's first step holds the entry of its start until then.
ALTER TABLE run_outbox ADD COLUMN claimed_by uuid;
ALTER TABLE run_outbox ADD COLUMN claimed_until timestamptz;
CREATE INDEX run_outbox_starts ON run_outbox (id) WHERE sent_at IS NULL AND kind = 'start';
CREATE INDEX run_outbox_run ON run_outbox (run_id);

-- Approvals ---------------------------------------------------------------------------------------------------------------

CREATE TABLE approvals (
    id          uuid PRIMARY KEY,
    run_id      uuid NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    block       text NOT NULL,
    iteration   integer[] NOT NULL,
    workflow_id uuid NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    title       text NOT NULL,
    description text NOT NULL,
    -- Who may decide, by lower-case e-mail address; every editor of the workflow when empty.
    people      text[] NOT NULL,
    deadline    timestamptz,
    decision    text CHECK (decision IN ('approved', 'rejected')),
    -- The e-mail address, which outlives the account; null where the deadline decided.
    decided_by  text,
    comment     text NOT NULL DEFAULT '',
    decided_at  timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (run_id, block, iteration)
);
CREATE INDEX approvals_open ON approvals (id) WHERE decided_at IS NULL;

-- Who may touch what ------------------------------------------------------------------------------------------------------

GRANT UPDATE (waiting_for, result_json, result_packed) ON runs TO "bulkhead-workflows-backend";
GRANT SELECT, INSERT, UPDATE ON run_variables TO "bulkhead-workflows-backend";
-- A block that runs another workflow makes a run.
GRANT INSERT ON runs, run_outbox TO "bulkhead-workflows-backend";
GRANT SELECT (run_id) ON run_outbox TO "bulkhead-workflows-backend";
GRANT SELECT, INSERT ON approvals TO "bulkhead-workflows-backend";
GRANT UPDATE (decision, decided_at) ON approvals TO "bulkhead-workflows-backend";
GRANT SELECT ON approvals TO "bulkhead-api";
GRANT UPDATE (decision, decided_by, comment, decided_at) ON approvals TO "bulkhead-api";
