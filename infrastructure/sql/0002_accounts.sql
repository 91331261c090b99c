-- Accounts and what is kept of who read what. Run once, as the owner, inside the office's schema.
-- Nothing here is part of the journal; accounts are disabled, never deleted, for the journal
-- names them for ever.

CREATE TABLE accounts (
    name          text PRIMARY KEY,
    display_name  text        NOT NULL,
    roles         text[]      NOT NULL CHECK (cardinality(roles) > 0),
    password_hash text        NOT NULL,              -- argon2id
    must_change   boolean     NOT NULL,              -- set by somebody else: change it first
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    disabled_at   timestamptz,
    last_login_at timestamptz,
    CHECK (cardinality(roles) = 1 OR NOT roles && ARRAY['auditor', 'administrator'])
);

-- Whoever holds a token has its account's roles until it expires. Only its hash is kept.
CREATE TABLE tokens (
    digest     bytea PRIMARY KEY,                    -- SHA-256 of 256 random bits
    account    text        NOT NULL REFERENCES accounts,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL
);
CREATE INDEX tokens_account ON tokens (account);
CREATE INDEX tokens_expires_at ON tokens (expires_at);

-- Wrong logins by account and by address, under a hash of the name as typed (people do type
-- passwords there). It is here and not in memory so that a restart forgives nothing.
CREATE TABLE login_attempts (
    subject       text PRIMARY KEY,
    failures      int         NOT NULL,
    last_at       timestamptz NOT NULL,
    blocked_until timestamptz NOT NULL
);
CREATE INDEX login_attempts_last_at ON login_attempts (last_at);

-- What happened to accounts: logins, changes, and who made them.
CREATE TABLE account_log (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor   text NOT NULL,
    account text NOT NULL,
    event   text NOT NULL,
    detail  text
);

-- Who read or exported personal data, written before the answer leaves. No personal values here.
CREATE TABLE reading_log (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor    text    NOT NULL,
    what     text    NOT NULL,                       -- ledger, or 'journal'
    question jsonb   NOT NULL,
    rows     bigint  NOT NULL,
    unmasked boolean NOT NULL,
    position bigint  NOT NULL,                       -- the journal position that was read at
    valid_on date,
    format   text,                                   -- csv, xlsx, ndjson: an export
    secrecy  text,
    CHECK ((format IS NULL) = (secrecy IS NULL))
);
CREATE INDEX reading_log_actor ON reading_log (actor, id);

-- A proposal sent twice under one Idempotency-Key is one proposal.
ALTER TABLE proposals
    ADD COLUMN key text,
    ADD COLUMN fingerprint bytea,
    ADD CONSTRAINT proposals_key UNIQUE (prepared_by, key);
CREATE INDEX proposals_state ON proposals (state, prepared_at);

GRANT SELECT, INSERT, UPDATE ON accounts TO {writer};
GRANT SELECT, INSERT, DELETE ON tokens TO {writer};
GRANT SELECT, INSERT, UPDATE, DELETE ON login_attempts TO {writer};
GRANT SELECT, INSERT ON account_log, reading_log TO {writer};
