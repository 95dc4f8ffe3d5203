-- Environments, with settings of a resource for each, and queries that apps and workflows share.

-- Environments --------------------------------------------------------------------------------------------------------

CREATE TABLE environments (
    id         uuid PRIMARY KEY,
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    -- Of the badge that builders and viewers see.
    color      text NOT NULL DEFAULT 'amber' CHECK (color IN ('amber', 'blue', 'green', 'red', 'violet')),
    -- Who may use it beside administrators: everybody who may use the app or workflow, those who may edit it, or members of groups.
    access     text NOT NULL DEFAULT 'builders' CHECK (access IN ('everyone', 'builders', 'groups')),
    -- The one that is meant where none is named. Everybody may use it, and it stays.
    is_default boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- A removed one keeps its row, so that the history of runs can name it.
    removed_at timestamptz,
    CHECK (NOT is_default OR removed_at IS NULL)
);
CREATE UNIQUE INDEX environments_name ON environments (name) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX environments_default ON environments (is_default) WHERE is_default;

INSERT INTO environments (id, name, color, access, is_default)
VALUES ('00000000-0000-7000-8000-000000000001', 'production', 'green', 'everyone', true);

CREATE TABLE environment_groups (
    environment_id uuid NOT NULL REFERENCES environments (id) ON DELETE CASCADE,
    group_id       uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (environment_id, group_id)
);
CREATE INDEX environment_groups_group ON environment_groups (group_id);

-- A pool, a kept result and a plan go by this number: one that was removed and made again must not find those of the old one.
CREATE SEQUENCE resource_environment_revisions;

-- The settings of a resource in an environment beside the default one, whose settings stand with the resource itself.
CREATE TABLE resource_environments (
    resource_id    uuid NOT NULL REFERENCES resources (id) ON DELETE CASCADE,
    environment_id uuid NOT NULL REFERENCES environments (id),
    config         json NOT NULL,
    -- Sealed to db-connector for this table and this pair of ids: moved to another row it does not open.
    sealed_secret  text,
    has_secret     boolean GENERATED ALWAYS AS (sealed_secret IS NOT NULL) STORED,
    revision       bigint NOT NULL DEFAULT nextval('resource_environment_revisions'),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (resource_id, environment_id)
);
CREATE INDEX resource_environments_environment ON resource_environments (environment_id);

-- No reference: each start would lock the row of the environment for it. A run whose environment was removed keeps to it, and its queries fail.
ALTER TABLE runs ADD COLUMN environment_id uuid NOT NULL DEFAULT '00000000-0000-7000-8000-000000000001';

-- The query library ---------------------------------------------------------------------------------------------------

CREATE TABLE library_queries (
    id               uuid PRIMARY KEY,
    slug             text NOT NULL UNIQUE,
    title            text NOT NULL,
    draft            json NOT NULL,
    draft_revision   bigint NOT NULL DEFAULT 1,
    -- What `latest` means.
    released_version integer,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE library_query_releases (
    query_id    uuid NOT NULL REFERENCES library_queries (id) ON DELETE CASCADE,
    version     integer NOT NULL,
    document    json NOT NULL,
    released_by uuid REFERENCES users (id),
    released_at timestamptz NOT NULL DEFAULT now(),
    notes       text NOT NULL DEFAULT '',
    PRIMARY KEY (query_id, version)
);

ALTER TABLE grants DROP CONSTRAINT grants_object_kind_check;
ALTER TABLE grants ADD CONSTRAINT grants_object_kind_check CHECK (object_kind IN ('app', 'workflow', 'resource', 'query'));

-- Who may touch what ------------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT ON environments TO "bulkhead-api";
GRANT UPDATE (name, color, access, removed_at) ON environments TO "bulkhead-api";
GRANT SELECT, INSERT, DELETE ON environment_groups TO "bulkhead-api";
-- api writes the sealed secret and cannot read it back.
GRANT SELECT (resource_id, environment_id, config, has_secret, revision, updated_at), INSERT, DELETE ON resource_environments TO "bulkhead-api";
GRANT UPDATE (config, sealed_secret, revision, updated_at) ON resource_environments TO "bulkhead-api";
GRANT USAGE ON SEQUENCE resource_environment_revisions TO "bulkhead-api";
GRANT SELECT ON environments, resource_environments TO "bulkhead-db-connector";
GRANT SELECT ON environments TO "bulkhead-workflows-backend";

GRANT SELECT, INSERT, UPDATE, DELETE ON library_queries TO "bulkhead-api";
GRANT SELECT, INSERT ON library_query_releases TO "bulkhead-api";
GRANT SELECT (id, slug, released_version) ON library_queries TO "bulkhead-workflows-backend";
GRANT SELECT ON library_query_releases TO "bulkhead-workflows-backend";
