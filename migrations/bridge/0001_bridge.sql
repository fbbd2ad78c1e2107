-- The local bridge's own database. Times are milliseconds since 1970; texts of messages are JSON, on one line.

-- What says that a commit in doubt is overwritten stands here, as in the hub's database.
CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Every room that was ever connected. `place` orders those that are open; it is given anew when a closed one is opened.
CREATE TABLE rooms (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    is_open INTEGER NOT NULL,
    place INTEGER NOT NULL,
    -- Whether a peer was ever there: only then is what is sent meanwhile kept for it.
    had_peer INTEGER NOT NULL DEFAULT 0,
    -- The level that `/perm` asked for; null: that of the bridge.
    permission TEXT,
    -- A room of a hub: its address, the file of the agent's key, and up to where everything was stored.
    hub_url TEXT,
    hub_key_file TEXT,
    hub_epoch TEXT,
    hub_seq INTEGER
) STRICT;

-- Local identities, in the order in which they were first named.
CREATE TABLE agents (
    number INTEGER PRIMARY KEY,
    room INTEGER NOT NULL REFERENCES rooms,
    name TEXT NOT NULL,
    UNIQUE (room, name)
) STRICT;

-- Everything that was received, as it was received. `digest` stands for the whole text.
CREATE TABLE inbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    room INTEGER NOT NULL REFERENCES rooms,
    digest BLOB NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX inbox_digest ON inbox (room, digest);

-- What nobody has taken yet, in the order in which it is taken: the least weight first. `agent` 0 is the queue that all share
-- while no agent was named.
CREATE TABLE queues (
    room INTEGER NOT NULL,
    agent INTEGER NOT NULL,
    weight REAL NOT NULL,
    message INTEGER NOT NULL REFERENCES inbox,
    PRIMARY KEY (room, agent, weight, message)
) STRICT, WITHOUT ROWID;

-- What the other side has not acknowledged yet.
CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    room INTEGER NOT NULL REFERENCES rooms,
    id TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_id ON outbox (room, id);

-- Which agent sent what, so that answers come back to it; and in a room of a hub, what the hub calls it.
CREATE TABLE sent (
    number INTEGER PRIMARY KEY,
    room INTEGER NOT NULL REFERENCES rooms,
    id TEXT NOT NULL,
    agent TEXT,
    hub_id TEXT,
    UNIQUE (room, id)
) STRICT;
CREATE INDEX sent_hub_id ON sent (room, hub_id) WHERE hub_id IS NOT NULL;

-- Tasks that were sent, and what became of them.
CREATE TABLE tasks (
    number INTEGER PRIMARY KEY,
    room INTEGER NOT NULL REFERENCES rooms,
    id TEXT NOT NULL,
    description TEXT NOT NULL,
    state TEXT NOT NULL,
    priority TEXT NOT NULL,
    sent_ms INTEGER NOT NULL,
    completed_ms INTEGER,
    result_id TEXT,
    UNIQUE (room, id)
) STRICT;

-- What happened to the links.
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    room INTEGER NOT NULL REFERENCES rooms,
    digest BLOB NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX events_digest ON events (room, digest);
