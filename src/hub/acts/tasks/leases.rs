//! Leases that end without their holder's doing.

use super::course::Task;
use crate::domain::{AgentNumber, Refusal, RowId, StreamNumber};
use crate::hub::act::{Act, Audience, Desk, Except};
use crate::hub::change::Change;
use crate::hub::leases::Claim;

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

/// Takes back what an agent held when it was cut off. What it has claimed since, having come back, it keeps.
#[derive(Clone, Debug)]
pub struct EndLeases {
    /// What it held.
    pub claims: Vec<Claim>,
}

impl Act for EndLeases {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        desk.operator()?;
        for claim in &self.claims {
            if desk.state.leases.has(*claim) {
                release(desk, claim.task, None, Except::Nobody)?;
            }
        }
        Ok(())
    }
}

/// Takes back the leases of an agent, in one room or in all of them, and tells the other members.
pub(in crate::hub::acts) fn end_leases(
    desk: &mut Desk<'_>,
    agent: AgentNumber,
    room: Option<StreamNumber>,
    except: Except,
) -> Result<(), Refusal> {
    for claim in desk.state.leases.held_by(agent, room) {
        release(desk, claim.task, Some(agent), except)?;
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
