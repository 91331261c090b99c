-- The journal (流水) and what stands beside it. Run once, as the owner, inside the office's schema.
-- {writer} is the role that files: it may read and add, and nothing else.

CREATE TABLE journal (
    position     bigint PRIMARY KEY,      -- 1, 2, 3 … without a gap; leaf index + 1
    id           text        NOT NULL,    -- internal id; associated data of the sealed box
    fact         text        NOT NULL,    -- stored name of the fact
    recorded_at  timestamptz NOT NULL,    -- one moment per append, strictly increasing
    effective_on date,                    -- business date; none for a void
    place        bigint      NOT NULL,    -- place in a fold: position unless corrected
    actor        text        NOT NULL,
    voids        bigint,
    tags         text[]      NOT NULL,
    data         bytea       NOT NULL,    -- the entry: exactly these bytes, for ever
    leaf         bytea       NOT NULL     -- SHA-256(0x00 || data)
);
-- Everything but data and leaf is an extract of data, kept for finding; verify compares them.
CREATE INDEX journal_recorded_at ON journal (recorded_at, position);
CREATE INDEX journal_fact ON journal (fact, position);
CREATE UNIQUE INDEX journal_voids ON journal (voids) WHERE voids IS NOT NULL;
CREATE INDEX journal_corrected ON journal (place) WHERE place <> position;

CREATE TABLE journal_tags (
    tag      text   NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (tag, position)
);

CREATE VIEW journal_readable AS
    SELECT position, recorded_at, effective_on, fact, actor,
           convert_from(data, 'UTF8')::jsonb AS entry
    FROM journal;

-- Second line behind the privileges: nothing is edited or deleted, and no position is skipped.
CREATE FUNCTION journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '流水只增不改:不得修改或删除' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER journal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal
    FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only();
CREATE TRIGGER journal_tags_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_tags
    FOR EACH STATEMENT EXECUTE FUNCTION journal_is_append_only();

CREATE FUNCTION journal_has_no_gap() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    first bigint; last bigint; n bigint; head bigint;
BEGIN
    SELECT min(position), max(position), count(*) INTO first, last, n FROM added;
    IF n = 0 THEN RETURN NULL; END IF;
    SELECT coalesce(max(position), 0) INTO head FROM journal WHERE position < first;
    IF first <> head + 1 OR last - first + 1 <> n THEN
        RAISE EXCEPTION '流水号不连续:% 之后不能是 %–%', head, first, last
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    PERFORM pg_notify(TG_TABLE_SCHEMA || '_journal', last::text);  -- wakes subscriptions
    RETURN NULL;
END $$;
CREATE TRIGGER journal_gapless AFTER INSERT ON journal REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION journal_has_no_gap();

-- The writer's lock. Runs with the owner's right to lock, hands out head and time together, and
-- lasts until the transaction ends; nobody else can append meanwhile.
CREATE FUNCTION journal_lock(OUT head bigint, OUT moment timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    latest timestamptz;
BEGIN
    LOCK TABLE journal IN EXCLUSIVE MODE;
    SELECT position, recorded_at INTO head, latest FROM journal ORDER BY position DESC LIMIT 1;
    head := coalesce(head, 0);
    moment := greatest(clock_timestamp(), latest + interval '1 microsecond');
END $$;
REVOKE ALL ON FUNCTION journal_lock() FROM PUBLIC;

-- Idempotency: which request filed which entries. The fingerprint is a keyed hash of the body.
CREATE TABLE filings (
    actor          text   NOT NULL,
    key            text   NOT NULL,
    fingerprint    bytea  NOT NULL,
    first_position bigint NOT NULL,
    last_position  bigint NOT NULL,
    PRIMARY KEY (actor, key)
);

-- Refusals are kept aside: "nothing was recorded" speaks of the journal.
CREATE TABLE refusals (
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor    text   NOT NULL,
    command  text   NOT NULL,
    subjects text[] NOT NULL,
    rule     text   NOT NULL
);

-- Commands that wait for a second person. The body is sealed with the office's key until decided.
CREATE TABLE proposals (
    id          text PRIMARY KEY,
    command     text        NOT NULL,
    body        bytea,
    prepared_by text        NOT NULL,
    prepared_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    state       text        NOT NULL DEFAULT 'waiting'
                CHECK (state IN ('waiting', 'approved', 'returned', 'withdrawn')),
    decided_by  text,
    decided_at  timestamptz,
    reason      text,
    position    bigint,
    CHECK (decided_by IS NULL OR state = 'withdrawn' OR decided_by <> prepared_by)
);

-- Keys: one per person, wrapped by the master key, which is never in the database.
CREATE TABLE person_keys (
    person  text PRIMARY KEY,
    wrapped bytea NOT NULL
);
CREATE TABLE office_keys (
    name    text PRIMARY KEY,             -- identity, fingerprint, proposals, check
    wrapped bytea NOT NULL
);
CREATE TABLE identities (
    digest bytea PRIMARY KEY,             -- HMAC-SHA-256 of the ID number
    person text NOT NULL
);
CREATE INDEX identities_person ON identities (person);

-- Which ledgers are stored, by which version of their definition, up to which position.
CREATE TABLE ledger_state (
    name     text PRIMARY KEY,
    version  text   NOT NULL,
    position bigint NOT NULL
);

GRANT SELECT, INSERT ON journal, journal_tags, filings, refusals, person_keys, identities TO {writer};
GRANT SELECT ON journal_readable, office_keys TO {writer};
GRANT SELECT, INSERT, UPDATE ON proposals TO {writer};
GRANT SELECT, UPDATE ON ledger_state TO {writer};
GRANT EXECUTE ON FUNCTION journal_lock() TO {writer};
