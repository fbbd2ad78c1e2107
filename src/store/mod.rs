//! Everything that outlives the process, in one SQLite database.
//!
//! One thread owns the only connection that writes ([`Writer`]) and groups what waits into one transaction; readers are
//! a pool ([`Readers`]) off the async threads. The query functions take a connection and serve both.

pub mod agents;
pub mod audit;
mod backup;
pub mod direct;
pub mod documents;
mod doubt;
mod error;
pub mod idempotency;
mod inspect;
pub mod keys;
mod lock;
pub mod messages;
mod migrate;
mod open;
pub mod openings;
pub mod pauses;
pub mod peer_messages;
mod queue;
mod readers;
pub mod receipts;
pub mod removals;
mod restore;
pub mod rooms;
pub mod search;
pub mod settings;
pub mod tasks;
mod verify;
mod writer;

pub use backup::{Backup, BackupError, back_up};
pub use doubt::commit;
pub use error::StoreError;
pub use inspect::{Resting, inspect, is_set_up, open_for_note, open_resting};
pub use lock::DirectoryLock;
pub use open::{Database, OpenError, OpenOptions, lock, open};
pub use readers::Readers;
pub use restore::{RestoreOptions, Restored, restore};
pub use rusqlite::Connection;
pub use writer::{Engine, Keep, Writer, WriterOptions};
