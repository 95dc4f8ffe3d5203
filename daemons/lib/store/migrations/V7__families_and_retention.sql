-- Runs outlive those that started them; what ended runs ask is looked at no longer; old runs go bit by bit.

-- A run of another workflow stays where the one that started it goes with its workflow. Retention deletes families by itself.
ALTER TABLE runs DROP CONSTRAINT runs_parent_run_fkey;
ALTER TABLE runs ADD CONSTRAINT runs_parent_run_fkey FOREIGN KEY (parent_run) REFERENCES runs (id) ON DELETE SET NULL;

-- Who may touch what ------------------------------------------------------------------------------------------------------

-- The question of a run that has ended does not escalate any more.
GRANT UPDATE (escalate_at) ON approvals TO "bulkhead-workflows-backend";
GRANT DELETE ON block_runs, block_calls, block_logs TO "bulkhead-workflows-backend";
