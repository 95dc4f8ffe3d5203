-- How apps are found, who edits one now, what a release changes, and how much an app is used.

ALTER TABLE apps
    -- Names with / between them; empty for the top.
    ADD COLUMN folder text NOT NULL DEFAULT '',
    ADD COLUMN tags   text[] NOT NULL DEFAULT '{}';

ALTER TABLE app_releases      ADD COLUMN notes text NOT NULL DEFAULT '';
ALTER TABLE workflow_releases ADD COLUMN notes text NOT NULL DEFAULT '';

CREATE TABLE app_favourites (
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    app_id  uuid NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    PRIMARY KEY (user_id, app_id)
);
CREATE INDEX app_favourites_app ON app_favourites (app_id);

-- Who has an app open to edit it. One that was not seen for a minute is taken over without asking.
CREATE TABLE app_editors (
    app_id  uuid PRIMARY KEY REFERENCES apps (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- The window: a person may have two.
    tab     uuid NOT NULL,
    since   timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX app_editors_user ON app_editors (user_id);

-- Counts, and nothing of who it was.
CREATE TABLE app_usage (
    app_id     uuid NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    day        date NOT NULL,
    opens      bigint NOT NULL,
    query_runs bigint NOT NULL,
    PRIMARY KEY (app_id, day)
);

-- Who may touch what ------------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT, DELETE ON app_favourites TO "bulkhead-api";
GRANT SELECT, INSERT, UPDATE, DELETE ON app_editors TO "bulkhead-api";
GRANT SELECT, INSERT, UPDATE ON app_usage TO "bulkhead-api";
