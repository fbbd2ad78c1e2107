//! A bare database: the tables and indexes of the product, and nothing but its insert.

use std::path::Path;

use rusqlite::{Connection, params};

/// Bits of a message's number that hold its position; the rest is the room.
const SEQ_BITS: u32 = 40;

/// Messages on a disk.
pub struct Log {
    connection: Connection,
    /// The last position of each room.
    rooms: Vec<i64>,
}

impl Log {
    /// Opens a database that the product made, with the product's settings, for messages of so many rooms.
    pub fn open(path: &Path, rooms: usize) -> anyhow::Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;",
        )?;
        Ok(Self {
            connection,
            rooms: vec![0; rooms],
        })
    }

    /// Begins a group.
    pub fn begin(&self) -> anyhow::Result<()> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(())
    }

    /// Adds a message to a room: its position.
    pub fn append(&mut self, room: usize, content: &str) -> anyhow::Result<i64> {
        let seq = self.rooms[room] + 1;
        self.rooms[room] = seq;
        let stream = i64::try_from(room)? + 1;
        self.connection
            .prepare_cached(
                "INSERT INTO messages (id, sent_at, sender, sender_name, content, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                (stream << SEQ_BITS) + seq,
                1_700_000_000_000_i64 + seq,
                1,
                "agent 1",
                content,
                0xdead_beef_i64,
            ])?;
        Ok(seq)
    }

    /// Ends a group: it is on the disk.
    pub fn commit(&self) -> anyhow::Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        Ok(())
    }
}
