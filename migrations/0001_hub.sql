-- The hub: agents, rooms, who is in them, and what was said.
--
-- Agents, rooms and conversations have short integer keys of their own; the UUIDs that the world sees stand beside them
-- once. Nothing that is written for every message has a random key or an index of its own.

CREATE TABLE settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE agents (
    number       INTEGER PRIMARY KEY,
    id           BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    display_name TEXT NOT NULL,
    role         TEXT NOT NULL,
    origin       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen    INTEGER,
    banned_at    INTEGER,
    -- A revoked agent keeps its row, so that its messages keep their sender.
    revoked_at   INTEGER
) STRICT;

-- There is exactly one controller, now and after any race.
CREATE UNIQUE INDEX one_controller ON agents (role) WHERE role = 'controller';

CREATE TABLE api_keys (
    -- SHA-256 of the key, which itself is kept nowhere.
    hash         BLOB PRIMARY KEY CHECK (length(hash) = 32),
    id           BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    agent        INTEGER NOT NULL REFERENCES agents (number),
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    read_only    INTEGER NOT NULL,
    -- The ids of the only rooms it is good for, 16 bytes each; NULL is all rooms.
    rooms        BLOB,
    direct       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE rooms (
    -- A stream number: 23 random bits, shared with `conversations`.
    number      INTEGER PRIMARY KEY,
    id          BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    name        TEXT NOT NULL,
    description TEXT,
    owner       INTEGER NOT NULL REFERENCES agents (number),
    visibility  TEXT NOT NULL,
    is_lobby    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    deleted_at  INTEGER
) STRICT;

CREATE UNIQUE INDEX one_lobby ON rooms (is_lobby) WHERE is_lobby = 1;

CREATE TABLE members (
    room      INTEGER NOT NULL REFERENCES rooms (number),
    agent     INTEGER NOT NULL REFERENCES agents (number),
    joined_at INTEGER NOT NULL,
    PRIMARY KEY (room, agent)
) STRICT, WITHOUT ROWID;

CREATE TABLE invitations (
    room  INTEGER NOT NULL REFERENCES rooms (number),
    agent INTEGER NOT NULL REFERENCES agents (number),
    PRIMARY KEY (room, agent)
) STRICT, WITHOUT ROWID;

-- The direct messages of two agents form a stream of their own, with its own positions and its own retention.
CREATE TABLE conversations (
    number INTEGER PRIMARY KEY,
    low    INTEGER NOT NULL REFERENCES agents (number),
    high   INTEGER NOT NULL REFERENCES agents (number),
    UNIQUE (low, high),
    CHECK (low <= high)
) STRICT;

-- Every message, clustered by stream and position: `id` is the stream's number shifted by 40 bits, plus the position.
-- There is no other index for all of them and no stored UUID; the id that clients see is made of `sent_at` and `id`.
-- No foreign keys here: the addressee of a direct message must outlive whatever happens to the agent, and every
-- message would pay for the checks.
CREATE TABLE messages (
    id          INTEGER PRIMARY KEY,
    sent_at     INTEGER NOT NULL,
    sender      INTEGER NOT NULL,
    sender_name TEXT NOT NULL,
    content     TEXT NOT NULL,
    -- Direct messages only: the addressee, and the positions in the mailboxes of both parties.
    recipient     INTEGER,
    sender_seq    INTEGER,
    recipient_seq INTEGER,
    -- NULL stands for `chat`.
    kind        TEXT,
    -- JSON, as the sender sent it.
    data        TEXT,
    -- The place and the time of the message that it answers, of the same stream.
    reply_to         INTEGER,
    reply_to_sent_at INTEGER,
    removed_at  INTEGER,
    removed_by  INTEGER,
    reason      TEXT,
    -- CRC-32 of the columns above, so that a flipped bit is noticed and not believed.
    checksum    INTEGER NOT NULL
) STRICT;

-- Threads. Messages that answer none pay nothing for it.
CREATE INDEX replies ON messages (reply_to) WHERE reply_to IS NOT NULL;

-- The direct messages of one agent, sent and received, in the order of its own positions.
CREATE TABLE mailboxes (
    agent   INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    message INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    PRIMARY KEY (agent, seq)
) STRICT, WITHOUT ROWID;

-- Every version of an editable document; the newest one is the document.
CREATE TABLE document_versions (
    name       TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    version    TEXT NOT NULL,
    content    TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by INTEGER,
    PRIMARY KEY (name, revision)
) STRICT, WITHOUT ROWID;

-- What a sender may safely send again: the key it chose, what it sent, and the receipt it got. Kept for a day.
CREATE TABLE idempotency_keys (
    sender  INTEGER NOT NULL,
    key     TEXT NOT NULL,
    -- SHA-256 of the method, its target and its content.
    request BLOB NOT NULL CHECK (length(request) = 32),
    message INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    -- What a change of a task came to; NULL for messages, whose receipt is their place and time.
    receipt TEXT,
    PRIMARY KEY (sender, key)
) STRICT, WITHOUT ROWID;

-- Only messages that are sent with a key pay for these two indexes.
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (sent_at);
