-- Runs that are sent as traces, and how many bytes of runs are kept.

-- Retention ---------------------------------------------------------------------------------------------------------------

-- How many MB (of 1,000,000 bytes) of results and logs of runs that have ended are kept.
ALTER TABLE workflow_settings ADD COLUMN keep_mb integer CHECK (keep_mb BETWEEN 1 AND 100000000);

-- What the runs of such a workflow take, measured once, after their end.
CREATE TABLE run_sizes (
    run_id      uuid PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    workflow_id uuid NOT NULL,
    bytes       bigint NOT NULL
);
CREATE INDEX run_sizes_workflow ON run_sizes (workflow_id, run_id DESC) INCLUDE (bytes);

-- Traces ------------------------------------------------------------------------------------------------------------------

-- `traceparent` of the request that started the run.
ALTER TABLE runs ADD COLUMN trace_parent text;

-- How far the runs were looked at, in the order of their ids: one row. Nothing is written for a run while no traces are sent.
CREATE TABLE trace_cursor (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    last_run uuid
);
INSERT INTO trace_cursor DEFAULT VALUES;

-- The runs whose trace is still to be sent, those that go on included.
CREATE TABLE run_traces (
    run_id        uuid PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    -- Who sends it holds it until then.
    claimed_until timestamptz NOT NULL DEFAULT '-infinity'
);

-- Who may touch what ------------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT ON run_sizes TO "bulkhead-workflows-backend";
GRANT SELECT, UPDATE ON trace_cursor TO "bulkhead-workflows-backend";
GRANT SELECT, INSERT, UPDATE, DELETE ON run_traces TO "bulkhead-workflows-backend";
