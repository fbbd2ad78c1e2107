-- Keys that are still to be made, and the record of who governed.

-- An agent that shows the token gets the key, once. The id is the one that the key will have.
CREATE TABLE enrolments (
    -- SHA-256 of the token, which itself is kept nowhere.
    hash           BLOB PRIMARY KEY CHECK (length(hash) = 32),
    id             BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    agent          INTEGER NOT NULL REFERENCES agents (number),
    name           TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    -- When the token ends, and when the key made with it will.
    expires_at     INTEGER NOT NULL,
    key_expires_at INTEGER,
    read_only      INTEGER NOT NULL,
    rooms          BLOB,
    direct         INTEGER NOT NULL,
    -- The key that it replaces, if it does, and for how many milliseconds that one then goes on working.
    replaces       BLOB CHECK (length(replaces) = 16),
    overlap_ms     INTEGER,
    CHECK ((replaces IS NULL) = (overlap_ms IS NULL))
) STRICT, WITHOUT ROWID;

-- Who governed, and who tried what was not allowed. Each row holds the hash of the one before it in its chain and of its own
-- columns, so that a row that was changed, moved or taken out breaks the chain. There are two chains, each with a limit of
-- its own, so that nobody pushes out what those did who govern.
CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY,
    -- The chain: 1 for what the controller, the operator and the server did; 0 for what all others did, and for refusals.
    governs INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    -- An agent's id, `operator`, `server`, `stranger` or `others`.
    actor   TEXT NOT NULL,
    method  TEXT NOT NULL,
    -- Ids of agents, rooms, messages and keys, separated by spaces.
    targets TEXT NOT NULL,
    address TEXT NOT NULL,
    gateway TEXT NOT NULL,
    -- `ok`, or the code of the refusal.
    outcome TEXT NOT NULL,
    -- How many times, for refusals: they are counted by the minute.
    count   INTEGER NOT NULL,
    hash    BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE INDEX audit_by_chain ON audit (governs);

-- The two ends of each chain: what stood before the oldest row that is kept, and the newest row; and how many are kept.
CREATE TABLE audit_ends (
    governs   INTEGER PRIMARY KEY CHECK (governs IN (0, 1)),
    base_hash BLOB NOT NULL CHECK (length(base_hash) = 32),
    head_seq  INTEGER NOT NULL,
    head_hash BLOB NOT NULL CHECK (length(head_hash) = 32),
    kept      INTEGER NOT NULL
) STRICT;

INSERT INTO audit_ends VALUES (0, zeroblob(32), 0, zeroblob(32), 0), (1, zeroblob(32), 0, zeroblob(32), 0);
