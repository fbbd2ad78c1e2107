//! Everything that changes the state, one type each. Each decides in the order of checks that the protocol fixes: the
//! room exists, it is not the lobby, the caller may govern it, the other agent exists, the state allows it.

mod agents;
mod documents;
mod lobby;
mod membership;
mod messages;
mod operator;
mod retries;
mod rooms;
mod sessions;

pub use agents::{BanAgent, InviteAgent, Invited, KickAgent, RevokeAgent, UnbanAgent};
pub use documents::{RecordConstitutionFile, UpdateDocument, UpdatedDocument};
pub use lobby::SetMotd;
pub use membership::{InviteToRoom, JoinRoom, KickFromRoom, LeaveRoom};
pub use messages::{Content, RemoveMessage, SendDirect, SendMessage, Sent, SentDirect};
pub use operator::{KickEveryone, ProbeStorage, SetLock};
pub use retries::{ForgetRetryKeys, RetryKey};
pub use rooms::{CreateRoom, DeleteRoom, SetVisibility, TakeOwnership, UpdateRoom};
pub use sessions::{Admitted, CloseSession, OpenSession, RecordSeen};
