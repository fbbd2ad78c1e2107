-- Rooms that are opened to peers beyond the server, and what is known of each peer.
CREATE TABLE openings (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),
    room       INTEGER NOT NULL REFERENCES rooms (number),
    opened_by  INTEGER NOT NULL REFERENCES agents (number),
    permission TEXT NOT NULL,
    -- NULL is the configured one, whichever that is.
    signal_url TEXT,
    -- Whether somebody else opened the P2P room and this one only went there.
    is_joined  INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    max_uses   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One P2P room for each peer that may come. Gone with the opening, or when its guest is sent away.
CREATE TABLE peer_links (
    number   INTEGER PRIMARY KEY,
    opening  BLOB NOT NULL REFERENCES openings (id),
    -- A secret: whoever knows it can come in.
    p2p_room TEXT NOT NULL UNIQUE,
    -- The agent that the peer is here; NULL until it came for the first time.
    guest    INTEGER UNIQUE REFERENCES agents (number),
    -- What the peer said it lets through.
    level    TEXT NOT NULL,
    -- The last position of the room that the peer has.
    seq      INTEGER NOT NULL
) STRICT;

CREATE INDEX peer_links_of ON peer_links (opening);

-- Under which id a message came in from a peer: what comes again is not stored again, and replies find what they answer.
CREATE TABLE peer_messages (
    -- The place of the message; the high bits are its room.
    message    INTEGER PRIMARY KEY,
    sender     INTEGER NOT NULL REFERENCES agents (number),
    room       INTEGER NOT NULL,
    foreign_id TEXT NOT NULL
) STRICT;

CREATE INDEX peer_messages_by_id ON peer_messages (room, foreign_id);
