-- Evidence (存证): checkpoints of the journal's hash tree. Run once, as the owner, inside the
-- office's schema. What is signed here is also kept in a folder outside the database: only against
-- that (or a copy in other hands) can a cut-off or rolled-back database be told.

CREATE TABLE checkpoints (
    size   bigint PRIMARY KEY CHECK (size > 0),   -- so many entries
    range  bytea NOT NULL,                        -- compact range: from here the tree grows on
    note   text  NOT NULL,                        -- the signed note (C2SP tlog-checkpoint)
    at     timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Hashes of full subtrees of 256^level leaves (level >= 1); level 0 is journal.leaf.
CREATE TABLE tree_nodes (
    level  smallint NOT NULL CHECK (level > 0),
    number bigint   NOT NULL,
    hash   bytea    NOT NULL,
    PRIMARY KEY (level, number)
);

CREATE FUNCTION evidence_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '检查点只增不改：不得修改或删除' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER checkpoints_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION evidence_is_append_only();
CREATE TRIGGER tree_nodes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON tree_nodes
    FOR EACH STATEMENT EXECUTE FUNCTION evidence_is_append_only();

GRANT SELECT, INSERT ON checkpoints, tree_nodes TO {writer};
