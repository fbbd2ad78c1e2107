//! The audit log: rows of which each holds the hash of the one before it in its chain. What those did who govern is a chain
//! of its own, so that others cannot push it out of what is kept.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};
use sha2::{Digest, Sha256};

use super::error::StoreError;

/// Something that is remembered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Whether the controller, the operator or the server did it, and nobody else brought it about.
    pub governs: bool,
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

/// The ends of a chain, and how many entries it has.
struct Chain {
    base_hash: Hash,
    head_seq: i64,
    head_hash: Hash,
    kept: i64,
}

/// What all others did, and what those did who govern; `None` when that is not what is there.
fn chains(connection: &Connection) -> Result<Option<[Chain; 2]>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT base_hash, head_seq, head_hash, kept FROM audit_ends ORDER BY governs")?;
    let read = |row: &Row<'_>| {
        Ok(Chain {
            base_hash: row.get(0)?,
            head_seq: row.get(1)?,
            head_hash: row.get(2)?,
            kept: row.get(3)?,
        })
    };
    let found: Vec<Chain> = statement.query_map([], read)?.collect::<Result<_, _>>()?;
    Ok(found.try_into().ok())
}

/// Adds an entry behind the newest one, and deletes the oldest ones of its chain beyond `keep`.
pub fn append(connection: &Connection, entry: &Entry, keep: u32) -> Result<(), StoreError> {
    let chains = chains(connection)?.ok_or_else(|| StoreError::Damaged("the audit log has lost its ends".into()))?;
    let seq = chains.iter().map(|chain| chain.head_seq).max().unwrap_or(0) + 1;
    let [others, governing] = &chains;
    let chain = if entry.governs { governing } else { others };
    let texts = [
        &entry.actor,
        &entry.method,
        &entry.targets,
        &entry.address,
        &entry.gateway,
        &entry.outcome,
    ];
    let hash = digest(
        &chain.head_hash,
        [seq, i64::from(entry.governs), entry.at_ms, entry.count],
        texts.map(String::as_bytes),
    );
    connection
        .prepare_cached(
            "INSERT INTO audit (seq, governs, at, actor, method, targets, address, gateway, outcome, count, hash) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            seq,
            entry.governs,
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
        .prepare_cached("UPDATE audit_ends SET head_seq = ?2, head_hash = ?3, kept = kept + 1 WHERE governs = ?1")?
        .execute(params![entry.governs, seq, hash])?;
    retire(connection, entry.governs, chain.kept + 1 - i64::from(keep))
}

/// Deletes the oldest `count` entries of a chain. The hash of the last of them stays: what is kept can still be verified.
fn retire(connection: &Connection, governs: bool, count: i64) -> Result<(), StoreError> {
    if count <= 0 {
        return Ok(());
    }
    let last: Option<(i64, Hash)> = connection
        .prepare_cached("SELECT seq, hash FROM audit WHERE governs = ?1 ORDER BY seq LIMIT 1 OFFSET ?2")?
        .query_row(params![governs, count - 1], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    // Where somebody has taken entries out, it stays to be seen.
    let Some((seq, hash)) = last else { return Ok(()) };
    connection
        .prepare_cached("UPDATE audit_ends SET base_hash = ?2, kept = kept - ?3 WHERE governs = ?1")?
        .execute(params![governs, hash, count])?;
    connection
        .prepare_cached("DELETE FROM audit WHERE governs = ?1 AND seq <= ?2")?
        .execute(params![governs, seq])?;
    Ok(())
}

/// Every part with its length, so that no byte can move from one part to the next.
fn digest(previous: &Hash, numbers: [i64; 4], texts: [&[u8]; 6]) -> Hash {
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

/// Follows both chains from end to end. The number of the first entry that is not what was written or where it was written,
/// or of the last one of a chain that is not whole; `None` when all are.
pub fn verify(connection: &Connection) -> Result<Option<i64>, StoreError> {
    let Some(chains) = chains(connection)? else {
        return Ok(Some(0));
    };
    let mut statement = connection.prepare_cached(
        "SELECT seq, governs, at, count, actor, method, targets, address, gateway, outcome, hash FROM audit ORDER BY seq",
    )?;
    let mut rows = statement.query([])?;
    // How far each chain was followed.
    let mut ends = chains.each_ref().map(|chain| (0, chain.base_hash, 0));
    while let Some(row) = rows.next()? {
        let (seq, governs): (i64, i64) = (row.get(0)?, row.get(1)?);
        let Some((last, hash, count)) = usize::try_from(governs).ok().and_then(|chain| ends.get_mut(chain)) else {
            return Ok(Some(seq));
        };
        let mut texts: [&[u8]; 6] = [&[]; 6];
        for (place, text) in texts.iter_mut().enumerate() {
            *text = bytes(row.get_ref(4 + place)?);
        }
        *hash = digest(hash, [seq, governs, row.get(2)?, row.get(3)?], texts);
        if bytes(row.get_ref(10)?) != hash.as_slice() {
            return Ok(Some(seq));
        }
        (*last, *count) = (seq, *count + 1);
    }
    let is_whole = |(chain, end): &(&Chain, (i64, Hash, i64))| *end == (chain.head_seq, chain.head_hash, chain.kept);
    let broken = chains.iter().zip(ends).find(|pair| !is_whole(pair));
    Ok(broken.map(|(chain, _)| chain.head_seq))
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
        "SELECT seq, governs, at, count, actor, method, targets, address, gateway, outcome FROM audit \
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
                governs: row.get(1)?,
                at_ms: row.get(2)?,
                count: row.get(3)?,
                actor: text(4)?,
                method: text(5)?,
                targets: text(6)?,
                address: text(7)?,
                gateway: text(8)?,
                outcome: text(9)?,
            },
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
