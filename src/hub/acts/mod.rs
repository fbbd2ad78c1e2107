//! Everything that changes the state, one type each. Each decides in the order of checks that the protocol fixes: the
//! room exists, it is not the lobby, the caller may govern it, the other agent exists, the state allows it.

mod agents;
mod documents;
mod enrolment;
mod guest_says;
mod guests;
mod indexing;
mod keys;
mod lobby;
mod membership;
mod messages;
mod openings;
mod operator;
mod pauses;
mod posting;
mod receipts;
mod retries;
mod rooms;
mod sessions;
mod tasks;

pub use agents::{BanAgent, InviteAgent, Invited, KickAgent, RenameAgent, RevokeAgent, UnbanAgent};
pub use documents::{RecordConstitutionFile, UpdateDocument, UpdatedDocument};
pub use enrolment::{EndExpiredSessions, Enrol, Enrolled, ForgetExpiredKeys};
pub use guest_says::{GuestSays, GuestWords, Said};
pub use guests::{AdmitGuest, AdmittedGuest, RecordPosition, SetGuestLevel};
pub use indexing::FeedIndex;
pub use keys::{CreateKey, Issued, NewKey, RevokeKey, RotateKey, Rotated, Secret, Whose};
pub use lobby::SetMotd;
pub use membership::{InviteToRoom, JoinRoom, KickFromRoom, LeaveRoom};
pub(super) use messages::NOT_THE_SENDERS;
pub use messages::{RemoveMessage, SendDirect, SendMessage, Sent, SentDirect};
pub use openings::{CloseOpening, DismissGuest, EndOpenings, OpenRoom, Places, SetOpeningPermission};
pub use operator::{KickEveryone, ProbeStorage, SetLock};
pub use pauses::{PauseRoom, ResumeRoom};
pub use posting::{Answers, Content, Extras};
pub use receipts::{MarkRead, Reading, RecordDelivered};
pub use retries::{ForgetRetryKeys, RetryKey};
pub use rooms::{CreateRoom, DeleteRoom, SetVisibility, TakeOwnership, UpdateRoom};
pub use sessions::{Admitted, CloseSession, OpenSession, RecordSeen};
pub use tasks::{
    Assignee, CancelTask, ClaimTask, EndLeases, ExpireLeases, Finish, FinishTask, OfferTask, RenewTask, TaskMove, Term,
    UpdateTask,
};
