//! What wardroom is about: agents, rooms, messages, events and refusals. No I/O, no wire format.

mod agent;
mod event;
mod export;
mod ids;
mod json;
mod message;
mod name;
mod refusal;
mod room;
mod task;

pub use agent::{AgentOrigin, ApiKey, KeyHash, Role};
pub use event::{EndReason, Event};
pub use export::{ExportPage, ExportedMessage, ExportedRemoval};
pub use ids::{AgentId, AgentNumber, Epoch, MessageId, RoomId, RowId, SessionId, StreamNumber};
pub use json::JsonText;
pub use message::{DirectMessage, HistoryEntry, Message, MessageKind, REMOVED_CONTENT};
pub use name::{Name, NameProblem, TextProblem, check_text};
pub use refusal::Refusal;
pub use room::{MemberView, PauseView, RoomView, Visibility};
pub use task::{Lease, TaskCourse, TaskProblem, TaskReceipt, TaskState, TaskStep, TaskView};
