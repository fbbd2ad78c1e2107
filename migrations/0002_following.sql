-- What was removed, in the order in which it happened within a room or a mailbox: whoever resumes from a position is told
-- of the removals since.

CREATE TABLE removals (
    -- The stream of the room, or the negative number of the agent whose mailbox it is.
    source  INTEGER NOT NULL,
    -- The last position at that time.
    seq     INTEGER NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (source, seq, message)
) STRICT, WITHOUT ROWID;

-- Removals are forgotten together with their messages.
CREATE INDEX removals_by_message ON removals (message);
