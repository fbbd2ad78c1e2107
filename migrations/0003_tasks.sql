-- Tasks. A task has the id of the message that opened it, so those of a room lie together in the order in which they
-- were offered, and there is no id to keep beside it.
CREATE TABLE tasks (
    -- The place of the message: the room's number shifted by 40 bits, plus the position.
    id               INTEGER PRIMARY KEY,
    created_at       INTEGER NOT NULL,
    creator          INTEGER NOT NULL,
    title            TEXT NOT NULL,
    description      TEXT,
    -- JSON, as the creator sent it.
    data             TEXT,
    assignee         INTEGER,
    state            TEXT NOT NULL,
    -- How often it was claimed: what the holder shows to prove that its claim is the latest.
    generation       INTEGER NOT NULL,
    revision         INTEGER NOT NULL,
    -- The lease: present exactly while the state is `accepted` or `working`. When it ends is measured in memory; the time
    -- of day that is kept here is what others are told.
    holder           INTEGER,
    lease_ms         INTEGER,
    lease_expires_at INTEGER,
    note             TEXT,
    -- The place and the time of the message with the result.
    result           INTEGER,
    result_sent_at   INTEGER,
    updated_at       INTEGER NOT NULL,
    CHECK ((holder IS NOT NULL) = (state IN ('accepted', 'working'))),
    CHECK ((holder IS NULL) = (lease_ms IS NULL)),
    CHECK ((holder IS NULL) = (lease_expires_at IS NULL)),
    CHECK ((result IS NULL) = (result_sent_at IS NULL))
) STRICT;

CREATE INDEX tasks_by_state ON tasks (state);
CREATE INDEX tasks_by_assignee ON tasks (assignee) WHERE assignee IS NOT NULL;
