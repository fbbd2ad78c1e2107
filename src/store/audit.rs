//! The audit log: rows of which each holds the hash of the one before it.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::error::StoreError;

/// Something that is remembered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// An agent's id, `operator`, `server`, `stranger` or `others`.
    pub actor: String,
    /// What was asked for.
    pub method: String,
    /// Ids of what it was about, separated by spaces.
    pub targets: String,
    /// The address that it came from; empty where there is none.
    pub address: String,
    /// The way by which it came.
    pub gateway: String,
    /// `ok`, or the code of the refusal.
    pub outcome: String,
    /// How many times.
    pub count: i64,
}

/// An entry and its place in the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredEntry {
    /// 1, 2, 3, …
    pub seq: i64,
    /// What is remembered.
    pub entry: Entry,
}

/// Which entries to read, the newest first.
#[derive(Clone, Debug)]
pub struct AuditQuery {
    /// Most entries.
    pub limit: u32,
    /// Only entries before this one.
    pub before: Option<i64>,
    /// Only what this agent did or what was about it.
    pub agent: Option<String>,
    /// Only this method.
    pub method: Option<String>,
}

type Hash = [u8; 32];

struct Ends {
    base_seq: i64,
    base_hash: Hash,
    head_seq: i64,
    head_hash: Hash,
}

fn ends(connection: &Connection) -> Result<Option<Ends>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT base_seq, base_hash, head_seq, head_hash FROM audit_ends WHERE only = 1")?;
    let read = |row: &Row<'_>| {
        Ok(Ends {
            base_seq: row.get(0)?,
            base_hash: row.get(1)?,
            head_seq: row.get(2)?,
            head_hash: row.get(3)?,
        })
    };
    Ok(statement.query_row([], read).optional()?)
}

/// Adds an entry behind the newest one, and deletes the oldest ones beyond `keep`.
pub fn append(connection: &Connection, entry: &Entry, keep: u32) -> Result<(), StoreError> {
    let ends = ends(connection)?.ok_or_else(|| StoreError::Damaged("the audit log has lost its ends".into()))?;
    let seq = ends.head_seq + 1;
    let texts = [
        &entry.actor,
        &entry.method,
        &entry.targets,
        &entry.address,
        &entry.gateway,
        &entry.outcome,
    ];
    let hash = digest(
        &ends.head_hash,
        [seq, entry.at_ms, entry.count],
        texts.map(String::as_bytes),
    );
    connection
        .prepare_cached(
            "INSERT INTO audit (seq, at, actor, method, targets, address, gateway, outcome, count, hash) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            seq,
            entry.at_ms,
            entry.actor,
            entry.method,
            entry.targets,
            entry.address,
            entry.gateway,
            entry.outcome,
            entry.count,
            hash
        ])?;
    connection
        .prepare_cached("UPDATE audit_ends SET head_seq = ?1, head_hash = ?2")?
        .execute(params![seq, hash])?;
    retire(connection, seq - i64::from(keep), ends.base_seq)
}

/// Deletes the entries up to `last`, whose hash stays: what is kept can still be verified.
fn retire(connection: &Connection, last: i64, base_seq: i64) -> Result<(), StoreError> {
    if last <= base_seq {
        return Ok(());
    }
    connection
        .prepare_cached(
            "UPDATE audit_ends SET base_seq = ?1, base_hash = coalesce((SELECT hash FROM audit WHERE seq = ?1), base_hash)",
        )?
        .execute(params![last])?;
    connection
        .prepare_cached("DELETE FROM audit WHERE seq <= ?1")?
        .execute(params![last])?;
    Ok(())
}

/// Every part with its length, so that no byte can move from one part to the next.
fn digest(previous: &Hash, numbers: [i64; 3], texts: [&[u8]; 6]) -> Hash {
    let mut digest = Sha256::new();
    digest.update(b"wardroom audit 1");
    digest.update(previous);
    for number in numbers {
        digest.update(number.to_le_bytes());
    }
    for text in texts {
        digest.update((text.len() as u64).to_le_bytes());
        digest.update(text);
    }
    digest.finalize().into()
}

/// Follows the chain from end to end. The number of the first entry that is not what was written or where it was written;
/// `None` when all are.
pub fn verify(connection: &Connection) -> Result<Option<i64>, StoreError> {
    let Some(ends) = ends(connection)? else {
        return Ok(Some(0));
    };
    let mut statement = connection.prepare_cached(
        "SELECT seq, at, count, actor, method, targets, address, gateway, outcome, hash FROM audit ORDER BY seq",
    )?;
    let mut rows = statement.query([])?;
    let (mut seq, mut hash) = (ends.base_seq, ends.base_hash);
    while let Some(row) = rows.next()? {
        seq += 1;
        let found = row.get::<_, i64>(0)?;
        let numbers = [found, row.get(1)?, row.get(2)?];
        let mut texts: [&[u8]; 6] = [&[]; 6];
        for (place, text) in texts.iter_mut().enumerate() {
            *text = bytes(row.get_ref(3 + place)?);
        }
        hash = digest(&hash, numbers, texts);
        if found != seq || bytes(row.get_ref(9)?) != hash {
            return Ok(Some(seq));
        }
    }
    let is_whole = seq == ends.head_seq && hash == ends.head_hash;
    Ok((!is_whole).then_some(seq + 1))
}

fn bytes(value: ValueRef<'_>) -> &[u8] {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => &[],
    }
}

/// Reads entries. What is no text any more is given as far as it is one.
pub fn page(connection: &Connection, query: &AuditQuery) -> Result<Vec<StoredEntry>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, at, count, actor, method, targets, address, gateway, outcome FROM audit \
         WHERE seq < ?1 AND (?2 IS NULL OR actor = ?2 OR instr(targets, ?2) > 0) AND (?3 IS NULL OR method = ?3) \
         ORDER BY seq DESC LIMIT ?4",
    )?;
    let values = params![query.before.unwrap_or(i64::MAX), query.agent, query.method, query.limit];
    let rows = statement.query_map(values, |row| {
        let text = |place: usize| -> rusqlite::Result<String> {
            Ok(String::from_utf8_lossy(bytes(row.get_ref(place)?)).into_owned())
        };
        Ok(StoredEntry {
            seq: row.get(0)?,
            entry: Entry {
                at_ms: row.get(1)?,
                count: row.get(2)?,
                actor: text(3)?,
                method: text(4)?,
                targets: text(5)?,
                address: text(6)?,
                gateway: text(7)?,
                outcome: text(8)?,
            },
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
