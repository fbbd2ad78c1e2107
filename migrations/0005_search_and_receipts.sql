-- Search, and how far each agent has got.

-- Which messages hold which words. It keeps no text: what it finds is read from `messages`. Nothing is written to it when a
-- message is stored; what is behind `index_progress` is added later, by itself, also after a crash. `sender` holds one
-- word that stands for the sender, so that a search for what one agent said reads nothing of the others.
CREATE VIRTUAL TABLE message_index USING fts5 (
    content, sender, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TABLE index_progress (
    stream  INTEGER PRIMARY KEY,
    -- The last position that is in the index, or that was found to be gone.
    indexed INTEGER NOT NULL,
    -- The last position that was taken out again because it is not kept any longer.
    pruned  INTEGER NOT NULL
) STRICT;

-- Up to where each agent has read: in a room, or with track 0 in its own mailbox.
CREATE TABLE read_marks (
    track INTEGER NOT NULL,
    agent INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    PRIMARY KEY (track, agent)
) STRICT, WITHOUT ROWID;

-- The positions that sockets of an agent took, as ranges: `1-5,9-20`. Written now and then: perhaps less than is true.
CREATE TABLE delivered (
    track INTEGER NOT NULL,
    agent INTEGER NOT NULL,
    spans TEXT NOT NULL,
    PRIMARY KEY (track, agent)
) STRICT, WITHOUT ROWID;

-- Messages whose senders want to be told who reads them.
CREATE TABLE read_requests (
    message INTEGER PRIMARY KEY
) STRICT;
