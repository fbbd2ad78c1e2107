//! The state machine and the lease, against a model that is written the other way round.

use proptest::prelude::*;

use super::*;

const STEPS: [TaskStep; 7] = [
    TaskStep::Claim,
    TaskStep::Begin,
    TaskStep::Release,
    TaskStep::Complete,
    TaskStep::Fail,
    TaskStep::Reject,
    TaskStep::Cancel,
];

#[test]
fn every_word_is_read_back() {
    for state in TaskState::ALL {
        assert_eq!(TaskState::parse(state.as_str()), Some(state));
    }
    assert_eq!(TaskState::parse("Submitted"), None);
}

#[test]
fn nothing_leads_out_of_a_final_state_and_something_out_of_every_other() {
    for state in TaskState::ALL {
        let ways = STEPS.iter().filter(|step| state.after(**step).is_some()).count();
        assert_eq!(ways == 0, state.is_final(), "{state:?}");
    }
}

#[test]
fn the_whole_machine_is_this_table() {
    let table: Vec<String> = TaskState::ALL
        .iter()
        .flat_map(|from| {
            STEPS
                .iter()
                .filter_map(move |step| Some((from, step, from.after(*step)?)))
        })
        .map(|(from, step, to)| format!("{} {step:?} {}", from.as_str(), to.as_str()))
        .collect();
    let expected = [
        "submitted Claim accepted",
        "submitted Reject rejected",
        "submitted Cancel canceled",
        "accepted Begin working",
        "accepted Release submitted",
        "accepted Complete completed",
        "accepted Fail failed",
        "accepted Reject rejected",
        "accepted Cancel canceled",
        "working Begin working",
        "working Release submitted",
        "working Complete completed",
        "working Fail failed",
        "working Cancel canceled",
    ];
    assert_eq!(table, expected);
}

/// One thing that happens to a task.
#[derive(Clone, Copy, Debug)]
enum Act {
    Claim {
        agent: i64,
        term: u64,
    },
    Renew {
        agent: i64,
        back: u64,
        term: Option<u64>,
    },
    Advance {
        agent: i64,
        back: u64,
        step: TaskStep,
    },
    Take(TaskStep),
    /// The sweep that takes back what is over.
    Sweep,
    /// The holder is gone.
    Release,
    Wait(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let advance = prop::sample::select(vec![
        TaskStep::Begin,
        TaskStep::Release,
        TaskStep::Complete,
        TaskStep::Fail,
        TaskStep::Reject,
    ]);
    let act = prop_oneof![
        6 => (0..3_i64, 1..50_u64).prop_map(|(agent, term)| Act::Claim { agent, term }),
        4 => (0..3_i64, 0..3_u64, prop::option::of(1..50_u64)).prop_map(|(agent, back, term)| Act::Renew { agent, back, term }),
        4 => (0..3_i64, 0..3_u64, advance).prop_map(|(agent, back, step)| Act::Advance { agent, back, step }),
        1 => prop::sample::select(vec![TaskStep::Reject, TaskStep::Cancel]).prop_map(Act::Take),
        2 => Just(Act::Sweep),
        1 => Just(Act::Release),
        5 => (1..40_u64).prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 1..60)
}

/// What must be true of a task, told as its story: who claimed it when, and what ended each claim.
#[derive(Default)]
struct Story {
    now: u64,
    claims: u64,
    /// Agent, its term and the end of its lease, of the last claim if that still holds.
    holder: Option<(i64, u64, u64)>,
    begun: bool,
    over: bool,
}

impl Story {
    fn live(&self) -> Option<(i64, u64, u64)> {
        self.holder.filter(|(_, _, end)| *end > self.now)
    }

    fn may_act(&self, agent: i64, generation: u64) -> bool {
        generation == self.claims && !self.over && self.live().is_some_and(|(holder, ..)| holder == agent)
    }

    fn end(&mut self, step: TaskStep) {
        (self.holder, self.begun) = (None, false);
        self.over = step != TaskStep::Release;
    }
}

proptest! {
    #[test]
    fn a_lease_keeps_its_promises(acts in acts()) {
        let (mut course, mut story) = (TaskCourse::NEW, Story::default());
        for act in acts {
            let before = course;
            let now = story.now;
            let outcome = match act {
                Act::Claim { agent, term } => {
                    let free = !story.over && story.live().is_none();
                    let outcome = course.claim(AgentNumber(agent), now, term);
                    prop_assert_eq!(outcome.is_ok(), free, "{:?} {:?}", act, before);
                    if let (Err(problem), Some((holder, ..))) = (outcome, story.live()) {
                        prop_assert_eq!(problem, TaskProblem::Held(AgentNumber(holder)));
                    }
                    if free {
                        story.claims += 1;
                        (story.holder, story.begun) = (Some((agent, term, now + term)), false);
                    }
                    outcome
                }
                Act::Renew { agent, back, term } => {
                    let generation = course.generation.saturating_sub(back);
                    let outcome = course.renew(AgentNumber(agent), generation, now, term);
                    prop_assert_eq!(outcome.is_ok(), story.may_act(agent, generation));
                    if let (Ok(_), Some((agent, first, _))) = (outcome, story.holder) {
                        let term = term.unwrap_or(first);
                        story.holder = Some((agent, term, now + term));
                    }
                    outcome
                }
                Act::Advance { agent, back, step } => {
                    let generation = course.generation.saturating_sub(back);
                    let outcome = course.advance(AgentNumber(agent), generation, now, step);
                    let possible = step != TaskStep::Reject || !story.begun;
                    prop_assert_eq!(outcome.is_ok(), story.may_act(agent, generation) && possible);
                    if outcome.is_ok() {
                        if step == TaskStep::Begin { story.begun = true } else { story.end(step) }
                    }
                    outcome
                }
                Act::Take(step) => {
                    let possible = !story.over && (step == TaskStep::Cancel || !story.begun);
                    let outcome = course.take(step);
                    prop_assert_eq!(outcome.is_ok(), possible);
                    if possible { story.end(step) }
                    outcome
                }
                Act::Sweep => {
                    if !story.over && story.live().is_none() { story.end(TaskStep::Release) }
                    Ok(course.settled(now))
                }
                Act::Release => {
                    if !story.over { story.end(TaskStep::Release) }
                    Ok(course.released())
                }
                Act::Wait(ms) => {
                    story.now += ms;
                    Ok(course)
                }
            };
            // A refusal leaves everything as it was, because nothing is changed in place.
            course = outcome.unwrap_or(before);
            prop_assert_eq!(course.generation, story.claims);
            prop_assert_eq!(course.state.is_final(), story.over);
            prop_assert_eq!(course.lease.is_some(), course.state.is_held());
            prop_assert_eq!(course.lease.map(|lease| (lease.holder.0, lease.term_ms, lease.ends_ms)), story.holder);
            prop_assert!(!before.state.is_final() || course == before);
        }
    }
}
