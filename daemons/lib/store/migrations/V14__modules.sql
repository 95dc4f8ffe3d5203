-- Modules are apps that are made to stand in other apps; a list of apps says which ones they are without reading their drafts.

ALTER TABLE apps ADD COLUMN is_module boolean NOT NULL GENERATED ALWAYS AS (draft -> 'module' IS NOT NULL) STORED;
