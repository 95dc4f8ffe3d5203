-- The end of a run marks its start as done, whoever ends it.

GRANT UPDATE (sent_at) ON run_outbox TO "bulkhead-api", "bulkhead-workflows-backend";
