//! Commits that the disk did not confirm.
//!
//! Their frames may lie complete in the write-ahead log, and a crash would bring back what was called "not saved". A
//! later commit overwrites them: each frame's checksum goes on from the one before it, so that one frame of another
//! transaction in the first place voids all that follow.

use rusqlite::{Connection, Transaction};

use super::error::StoreError;

/// A transaction that writes and changes nothing that matters.
pub(super) const PROBE: &str = "BEGIN IMMEDIATE; \
    INSERT INTO settings (name, value) VALUES ('probe', '1') ON CONFLICT (name) DO UPDATE SET value = value + 1; \
    COMMIT;";

/// Overwrites a commit that stayed in doubt. False when the disk does not confirm that either: then nobody can say
/// whether a crash brings it back.
pub(super) fn overwrite(connection: &Connection) -> bool {
    (0..3).any(|_| match connection.execute_batch(PROBE) {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(%error, "the disk did not confirm a commit");
            if !connection.is_autocommit() {
                // A failed rollback leaves nothing to be done here; the next BEGIN would say so.
                let _ = connection.execute_batch("ROLLBACK");
            }
            false
        }
    })
}

/// Commits a transaction outside the writer thread. It is [`StoreError::InDoubt`] only when nobody can say whether it is
/// stored; after any other error it is not.
pub fn commit(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let Err(error) = transaction.execute_batch("COMMIT") else {
        return Ok(());
    };
    if !transaction.is_autocommit() {
        // As above.
        let _ = transaction.execute_batch("ROLLBACK");
    }
    match StoreError::of_commit(error) {
        StoreError::InDoubt(error) if overwrite(transaction) => Err(StoreError::Io(error)),
        error => Err(error),
    }
}
