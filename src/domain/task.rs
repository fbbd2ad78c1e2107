//! Tasks: work that is offered in a room, claimed under a lease and finished once.

use super::{AgentId, AgentNumber, MessageId, Name, RoomId};

/// Where a task stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TaskState {
    /// Offered; nobody holds it.
    Submitted,
    /// Claimed; its holder has not begun.
    Accepted,
    /// Its holder works on it.
    Working,
    /// Done, with a result.
    Completed,
    /// Given up, with a reason.
    Failed,
    /// Called off.
    Canceled,
    /// Declined by the agent that it was meant for.
    Rejected,
}

/// What can be done to the state of a task.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TaskStep {
    /// An agent takes it.
    Claim,
    /// Its holder begins.
    Begin,
    /// It goes back to whoever wants it: given back, or its lease ended.
    Release,
    /// Its holder has the result.
    Complete,
    /// Its holder cannot do it.
    Fail,
    /// Its holder or assignee does not want it.
    Reject,
    /// It is not wanted any more.
    Cancel,
}

impl TaskState {
    /// Every state, in the order in which a task can come to them.
    pub const ALL: [Self; 7] = [
        Self::Submitted,
        Self::Accepted,
        Self::Working,
        Self::Completed,
        Self::Failed,
        Self::Canceled,
        Self::Rejected,
    ];

    /// The word for it on the wire and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Accepted => "accepted",
            Self::Working => "working",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Rejected => "rejected",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// The state after `step`; `None` when it cannot be taken from here.
    pub fn after(self, step: TaskStep) -> Option<Self> {
        match (self, step) {
            (Self::Submitted, TaskStep::Claim) => Some(Self::Accepted),
            // Saying again that the work goes on changes nothing.
            (Self::Accepted | Self::Working, TaskStep::Begin) => Some(Self::Working),
            (Self::Accepted | Self::Working, TaskStep::Release) => Some(Self::Submitted),
            (Self::Accepted | Self::Working, TaskStep::Complete) => Some(Self::Completed),
            (Self::Accepted | Self::Working, TaskStep::Fail) => Some(Self::Failed),
            (Self::Submitted | Self::Accepted, TaskStep::Reject) => Some(Self::Rejected),
            (Self::Submitted | Self::Accepted | Self::Working, TaskStep::Cancel) => Some(Self::Canceled),
            _ => None,
        }
    }

    /// Whether somebody holds a task in this state.
    pub fn is_held(self) -> bool {
        matches!(self, Self::Accepted | Self::Working)
    }

    /// Whether nothing can happen to a task in this state any more.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Submitted | Self::Accepted | Self::Working)
    }
}

/// Who holds a task, and until when. Times are of a clock that never steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease {
    /// The agent.
    pub holder: AgentNumber,
    /// How long it holds when it is renewed without saying otherwise, in milliseconds.
    pub term_ms: u64,
    /// When it ends.
    pub ends_ms: u64,
}

impl Lease {
    /// A lease of `term_ms` from `now_ms` on.
    pub fn new(holder: AgentNumber, now_ms: u64, term_ms: u64) -> Self {
        Self {
            holder,
            term_ms,
            ends_ms: now_ms.saturating_add(term_ms),
        }
    }

    /// Whether it has ended.
    pub fn is_over(&self, now_ms: u64) -> bool {
        self.ends_ms <= now_ms
    }
}

/// What the rules of tasks are about. Moves only by its functions, each of which gives the course after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskCourse {
    /// Where the task stands.
    pub state: TaskState,
    /// How often it was claimed: the fencing number of the present or last lease.
    pub generation: u64,
    /// Who holds it; present exactly while the state is a held one.
    pub lease: Option<Lease>,
}

/// Why a task does not move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TaskProblem {
    /// Somebody holds it.
    Held(AgentNumber),
    /// The lease of that generation has ended.
    Stale,
    /// The lease is another agent's.
    NotTheHolder,
    /// Not from this state.
    State(TaskState),
}

impl TaskCourse {
    /// The course of a new task.
    pub const NEW: Self = Self {
        state: TaskState::Submitted,
        generation: 0,
        lease: None,
    };

    /// `agent` takes the task for `term_ms`. A lease that is over does not stand in the way.
    pub fn claim(self, agent: AgentNumber, now_ms: u64, term_ms: u64) -> Result<Self, TaskProblem> {
        let open = self.settled(now_ms);
        if let Some(lease) = open.lease {
            return Err(TaskProblem::Held(lease.holder));
        }
        Ok(Self {
            state: open.moved(TaskStep::Claim)?,
            generation: open.generation + 1,
            lease: Some(Lease::new(agent, now_ms, term_ms)),
        })
    }

    /// The holder keeps it for `term_ms` from now on, or for as long as at first.
    pub fn renew(
        self,
        agent: AgentNumber,
        generation: u64,
        now_ms: u64,
        term_ms: Option<u64>,
    ) -> Result<Self, TaskProblem> {
        let lease = self.lease_of(agent, generation, now_ms)?;
        let lease = Lease::new(agent, now_ms, term_ms.unwrap_or(lease.term_ms));
        Ok(Self {
            lease: Some(lease),
            ..self
        })
    }

    /// The holder takes a step.
    pub fn advance(
        self,
        agent: AgentNumber,
        generation: u64,
        now_ms: u64,
        step: TaskStep,
    ) -> Result<Self, TaskProblem> {
        self.lease_of(agent, generation, now_ms)?;
        self.take(step)
    }

    /// Takes a step that needs no lease: the assignee declines, or somebody calls the task off.
    pub fn take(self, step: TaskStep) -> Result<Self, TaskProblem> {
        let state = self.moved(step)?;
        let lease = self.lease.filter(|_| state.is_held());
        Ok(Self { state, lease, ..self })
    }

    /// What it is once a lease that is over has been taken back.
    #[must_use]
    pub fn settled(self, now_ms: u64) -> Self {
        if self.lease.is_some_and(|lease| lease.is_over(now_ms)) {
            self.released()
        } else {
            self
        }
    }

    /// What it is once its lease, if there is one, has been taken back.
    #[must_use]
    pub fn released(self) -> Self {
        self.take(TaskStep::Release).unwrap_or(self)
    }

    fn moved(self, step: TaskStep) -> Result<TaskState, TaskProblem> {
        self.state.after(step).ok_or(TaskProblem::State(self.state))
    }

    /// The live lease that `agent` shows by its generation.
    fn lease_of(self, agent: AgentNumber, generation: u64, now_ms: u64) -> Result<Lease, TaskProblem> {
        if generation != self.generation {
            return Err(TaskProblem::Stale);
        }
        if self.state.is_final() {
            return Err(TaskProblem::State(self.state));
        }
        let live = self.lease.filter(|lease| !lease.is_over(now_ms));
        let lease = live.ok_or(TaskProblem::Stale)?;
        if lease.holder == agent {
            Ok(lease)
        } else {
            Err(TaskProblem::NotTheHolder)
        }
    }
}

/// A task, as everybody in its room sees it.
#[derive(Clone, Debug)]
pub struct TaskView {
    /// The id of the message that opened it, and so its own.
    pub id: MessageId,
    /// The room that it was offered in.
    pub room: RoomId,
    /// What is to be done, in one line.
    pub title: Name,
    /// What is to be done, at length.
    pub description: Option<String>,
    /// JSON that goes with it.
    pub data: Option<super::JsonText>,
    /// Who offered it.
    pub creator: AgentId,
    /// Who alone may claim it.
    pub assignee: Option<AgentId>,
    /// Where it stands.
    pub state: TaskState,
    /// How often it was claimed.
    pub generation: u64,
    /// Counts its changes from 1.
    pub revision: u64,
    /// Who holds it.
    pub holder: Option<AgentId>,
    /// When the lease ends by the clock of the day, in milliseconds since 1970.
    pub lease_expires_at_ms: Option<i64>,
    /// What the holder last said of its work.
    pub note: Option<String>,
    /// The message that holds its result.
    pub result: Option<MessageId>,
    /// When it last changed, in milliseconds since 1970.
    pub updated_at_ms: i64,
}

/// What whoever changed a task is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TaskReceipt {
    /// The task.
    pub task: MessageId,
    /// Where it stands.
    pub state: TaskState,
    /// How often it was claimed.
    pub generation: u64,
    /// Counts its changes from 1.
    pub revision: u64,
    /// When the lease ends by the clock of the day, in milliseconds since 1970.
    pub lease_expires_at_ms: Option<i64>,
    /// The message that holds its result.
    pub result: Option<MessageId>,
    /// When it changed, in milliseconds since 1970.
    pub at_ms: i64,
}

#[cfg(test)]
mod tests;
