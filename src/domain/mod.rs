//! What wardroom is about: agents, rooms, messages, events and refusals. No I/O, no wire format.

mod agent;
mod event;
mod export;
mod ids;
mod json;
mod key;
mod message;
mod name;
mod opening;
mod permission;
mod refusal;
mod room;
mod search;
mod spans;
mod task;

pub use agent::{AgentOrigin, ApiKey, KeyHash, Role};
pub use event::{EndReason, Event, ReadNotice, Topic};
pub use export::{ExportPage, ExportedMessage, ExportedRemoval};
pub use ids::{AgentId, AgentNumber, Epoch, KeyId, MessageId, OpeningId, RoomId, RowId, SessionId, StreamNumber};
pub use json::JsonText;
pub use key::{EnrolmentToken, KeyCard, KeyScope};
pub use message::{DirectMessage, HistoryEntry, Message, MessageKind, REMOVED_CONTENT};
pub use name::{Name, NameProblem, TextProblem, check_text};
pub use opening::{GuestView, LinkNumber, OpeningView, P2pRoomId, PlaceView};
pub use permission::{Permission, UnknownPermission};
pub use refusal::Refusal;
pub use room::{MemberView, PauseView, RoomView, Visibility};
pub use search::{SearchProblem, SearchText};
pub use spans::Spans;
pub use task::{Lease, TaskCourse, TaskProblem, TaskReceipt, TaskState, TaskStep, TaskView};
