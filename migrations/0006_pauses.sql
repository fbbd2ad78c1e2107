-- Rooms in which nobody may speak until somebody resumes them.
CREATE TABLE pauses (
    room      INTEGER PRIMARY KEY REFERENCES rooms (number),
    paused_at INTEGER NOT NULL,
    -- NULL when the server did it, because agents answered each other without end.
    paused_by INTEGER REFERENCES agents (number),
    reason    TEXT
) STRICT;
