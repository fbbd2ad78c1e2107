//! Leases that end without their holder's doing.

use super::course::Task;
use crate::domain::{AgentId, AgentNumber, Refusal, RowId, StreamNumber};
use crate::hub::act::{Act, Audience, Desk, Except};
use crate::hub::change::Change;

/// Leases that one act takes back at the most, so that nobody waits long behind it.
const ENDED_AT_ONCE: usize = 100;

/// Takes back leases that are over; to be repeated until there are none.
#[derive(Clone, Copy, Debug)]
pub struct ExpireLeases;

impl Act for ExpireLeases {
    /// How many.
    type Receipt = usize;

    fn run(&self, desk: &mut Desk<'_>) -> Result<usize, Refusal> {
        desk.operator()?;
        let over: Vec<RowId> = desk.state.leases.over(desk.steady_ms).take(ENDED_AT_ONCE).collect();
        for task in &over {
            release(desk, *task, None, Except::Nobody)?;
        }
        Ok(over.len())
    }
}

/// Takes back every lease of an agent that was cut off.
#[derive(Clone, Copy, Debug)]
pub struct EndLeases {
    /// Whose; `None` stands for an id that names none.
    pub agent: Option<AgentId>,
}

impl Act for EndLeases {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        desk.operator()?;
        let agent = desk.agent(self.agent)?.number;
        end_leases(desk, agent, None, Except::Nobody)
    }
}

/// Takes back the leases of an agent, in one room or in all of them, and tells the other members.
pub(in crate::hub::acts) fn end_leases(
    desk: &mut Desk<'_>,
    agent: AgentNumber,
    room: Option<StreamNumber>,
    except: Except,
) -> Result<(), Refusal> {
    for task in desk.state.leases.held_by(agent, room) {
        release(desk, task, Some(agent), except)?;
    }
    Ok(())
}

/// Gives a task back. Who is `gone` is not told.
fn release(desk: &mut Desk<'_>, id: RowId, gone: Option<AgentNumber>, except: Except) -> Result<(), Refusal> {
    let Some(mut task) = Task::at(desk, id)? else {
        desk.change(Change::LeaseEnded(id));
        return Ok(());
    };
    let audience = match gone {
        None => Desk::members(task.room),
        Some(gone) => {
            let members = task.room.members.keys().copied();
            Audience::Agents(members.filter(|member| *member != gone).collect())
        }
    };
    let course = task.course.released();
    task.move_to(desk, course, audience, except)
}
