-- Folders that hold apps, workflows, resources and queries of the library, and roles of groups.

CREATE TABLE folders (
    id         uuid PRIMARY KEY,
    parent_id  uuid REFERENCES folders (id),
    -- Its name behind those of the folders around it, with / between them.
    path       text NOT NULL UNIQUE CHECK (length(path) BETWEEN 1 AND 120),
    -- The folders around it, the outermost first, and itself: a role on any of them counts inside. Folders stay where they were made.
    lineage    uuid[] NOT NULL CHECK (lineage[cardinality(lineage)] = id AND cardinality(lineage) <= 5),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX folders_parent ON folders (parent_id);

ALTER TABLE grants DROP CONSTRAINT grants_object_kind_check;
ALTER TABLE grants ADD CONSTRAINT grants_object_kind_check CHECK (object_kind IN ('app', 'workflow', 'resource', 'query', 'folder'));

-- Beside `grants`, whose rows name a person.
CREATE TABLE group_grants (
    object_kind text NOT NULL CHECK (object_kind IN ('app', 'workflow', 'resource', 'query', 'folder')),
    object_id   uuid NOT NULL,
    group_id    uuid NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    role        text NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    granted_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (object_kind, object_id, group_id)
);
CREATE INDEX group_grants_group ON group_grants (group_id, object_kind, object_id);

ALTER TABLE apps            ADD COLUMN folder_id uuid REFERENCES folders (id);
ALTER TABLE workflows       ADD COLUMN folder_id uuid REFERENCES folders (id);
ALTER TABLE resources       ADD COLUMN folder_id uuid REFERENCES folders (id);
ALTER TABLE library_queries ADD COLUMN folder_id uuid REFERENCES folders (id);
CREATE INDEX apps_folder            ON apps (folder_id);
CREATE INDEX workflows_folder       ON workflows (folder_id);
CREATE INDEX resources_folder       ON resources (folder_id);
CREATE INDEX library_queries_folder ON library_queries (folder_id);

-- The folder that an app's label names, made where there is none. It has no roles then, so it changes what nobody may do.
CREATE FUNCTION folder_of_label(label text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    part   text;
    here   text;
    around uuid[] := '{}';
BEGIN
    IF label = '' THEN
        RETURN NULL;
    END IF;
    FOREACH part IN ARRAY string_to_array(label, '/') LOOP
        here := concat_ws('/', here, part);
        INSERT INTO folders (id, parent_id, path, lineage)
            SELECT n.id, around[cardinality(around)], here, around || n.id FROM (SELECT gen_random_uuid() AS id) n
            ON CONFLICT (path) DO NOTHING;
        SELECT f.lineage INTO around FROM folders f WHERE f.path = here;
    END LOOP;
    RETURN around[cardinality(around)];
END $$;

UPDATE apps SET folder_id = folder_of_label(folder) WHERE folder <> '';

-- The api of the version before knows labels alone. What it labels moves too, unless that would change what somebody may do: it asks
-- for no rights on folders. `apps.folder` and this go in the next release.
CREATE FUNCTION apps_follow_label() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted uuid;
BEGIN
    IF new.folder = old.folder OR new.folder_id IS DISTINCT FROM old.folder_id THEN
        RETURN new;
    END IF;
    wanted := folder_of_label(new.folder);
    IF NOT EXISTS (
        SELECT FROM folders f WHERE f.id IN (old.folder_id, wanted)
            AND (EXISTS (SELECT FROM grants g WHERE g.object_kind = 'folder' AND g.object_id = ANY (f.lineage))
                 OR EXISTS (SELECT FROM group_grants g WHERE g.object_kind = 'folder' AND g.object_id = ANY (f.lineage)))
    ) THEN
        new.folder_id := wanted;
    END IF;
    RETURN new;
END $$;
CREATE TRIGGER apps_follow_label BEFORE UPDATE OF folder ON apps FOR EACH ROW EXECUTE FUNCTION apps_follow_label();

-- Who may touch what ------------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT, DELETE ON folders TO "bulkhead-api";
GRANT UPDATE (path) ON folders TO "bulkhead-api";
GRANT SELECT, INSERT, DELETE ON group_grants TO "bulkhead-api";
GRANT UPDATE (role, granted_at) ON group_grants TO "bulkhead-api";
