-- Runs that start by the clock, wait in a queue, are paused, run again from a block, and go.

-- Schedules ---------------------------------------------------------------------------------------------------------------

-- One row for each schedule trigger of a workflow's version in use: where the clock stands for it.
CREATE TABLE schedules (
    workflow_id uuid NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    trigger     text NOT NULL,
    -- The trigger as released.
    definition  json NOT NULL,
    version     integer NOT NULL,
    -- The point in time that comes next; unknown until workflows-backend has worked it out.
    next_due    timestamptz,
    -- When it is to be looked at next: the point in time and its jitter, or soon again while a run has to be waited for.
    look_at     timestamptz NOT NULL DEFAULT now(),
    last_run    uuid,
    paused_at   timestamptz,
    -- The last point in time that started no run, and why.
    skipped_due timestamptz,
    skipped_why text,
    PRIMARY KEY (workflow_id, trigger)
);
CREATE INDEX schedules_look_at ON schedules (look_at) WHERE paused_at IS NULL;

-- Queues ------------------------------------------------------------------------------------------------------------------

-- How the runs of a workflow are taken up and for how long they are kept. Most workflows have no row.
CREATE TABLE workflow_settings (
    workflow_id uuid PRIMARY KEY REFERENCES workflows (id) ON DELETE CASCADE,
    -- The higher is taken up first.
    priority    smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN -1 AND 1),
    max_running integer CHECK (max_running BETWEEN 1 AND 10000),
    paused_at   timestamptz,
    keep_days   integer CHECK (keep_days BETWEEN 1 AND 36500),
    keep_runs   integer CHECK (keep_runs BETWEEN 1 AND 100000000)
);

-- The queue of all workflows: one row.
CREATE TABLE queue (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    paused_at timestamptz,
    paused_by text
);
INSERT INTO queue DEFAULT VALUES;

-- A start that is held has to be let in first: its workflow has a limit, or is paused.
ALTER TABLE run_outbox ADD COLUMN workflow_id uuid;
ALTER TABLE run_outbox ADD COLUMN priority smallint NOT NULL DEFAULT 0;
ALTER TABLE run_outbox ADD COLUMN is_held boolean NOT NULL DEFAULT false;
DROP INDEX run_outbox_starts;
CREATE INDEX run_outbox_starts ON run_outbox (priority DESC, id) WHERE sent_at IS NULL AND kind = 'start' AND NOT is_held;
CREATE INDEX run_outbox_held ON run_outbox (workflow_id, priority DESC, id) WHERE sent_at IS NULL AND kind = 'start' AND is_held;

-- The runs that count towards the limit of their workflow. Who lets others in removes those that have ended or wait.
CREATE TABLE run_slots (
    run_id      uuid PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    workflow_id uuid NOT NULL
);
CREATE INDEX run_slots_workflow ON run_slots (workflow_id);

-- Runs --------------------------------------------------------------------------------------------------------------------

ALTER TABLE runs ADD COLUMN paused_at timestamptz;
-- A run that begins at a block takes what came before from this run.
ALTER TABLE runs ADD COLUMN from_run uuid REFERENCES runs (id) ON DELETE SET NULL;
ALTER TABLE runs ADD COLUMN from_block text;
CREATE INDEX runs_from ON runs (from_run) WHERE from_run IS NOT NULL;
-- Runs that went wrong are few, and looked for.
CREATE INDEX runs_failed ON runs (id DESC) WHERE status = 'failed';

-- What a person has chosen for a block whose outcome is unknown.
ALTER TABLE block_runs ADD COLUMN choice text CHECK (choice IN ('retry', 'skip', 'fail'));
ALTER TABLE block_runs ADD COLUMN chosen_by text;

-- Who may touch what ------------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT, DELETE ON schedules TO "bulkhead-api";
GRANT UPDATE (definition, version, next_due, look_at, paused_at) ON schedules TO "bulkhead-api";
GRANT SELECT, INSERT, UPDATE ON workflow_settings TO "bulkhead-api";
GRANT SELECT, UPDATE ON queue TO "bulkhead-api";
GRANT UPDATE (priority, is_held) ON run_outbox TO "bulkhead-api";
GRANT SELECT, INSERT ON run_slots TO "bulkhead-api";
GRANT UPDATE (choice, chosen_by) ON block_runs TO "bulkhead-api";

GRANT SELECT ON schedules, workflow_settings, queue, run_outbox TO "bulkhead-workflows-backend";
GRANT UPDATE (next_due, look_at, last_run, skipped_due, skipped_why) ON schedules TO "bulkhead-workflows-backend";
GRANT DELETE ON runs TO "bulkhead-workflows-backend";

GRANT SELECT ON workflow_settings, queue TO "bulkhead-workflows-worker";
GRANT SELECT, INSERT, DELETE ON run_slots TO "bulkhead-workflows-worker";
