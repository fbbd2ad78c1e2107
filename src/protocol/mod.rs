//! Everything as it looks on the wire: the envelope, the one table of methods, the events, and the one table of codes.
//!
//! Types here are promises to clients; those of `domain` are not, which is why they are apart.

pub mod codes;
mod declare;
pub mod docs;
mod encoding;
pub mod envelope;
pub mod methods;
pub mod notifications;
pub mod openrpc;
mod schema;
pub mod types;

pub use codes::{CloseCode, Code};
pub use encoding::encode;
pub use methods::{Access, Method, MethodSpec, Order};

/// The version of this program, as told to clients.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
