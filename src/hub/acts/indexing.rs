//! Feeding the search index.

use crate::domain::Refusal;
use crate::hub::act::{Act, Desk};
use crate::hub::change::Change;
use crate::store::search;

/// Adds some of what was said to the search index, and takes out what is not kept any longer.
#[derive(Clone, Copy, Debug)]
pub struct FeedIndex {
    /// Most messages.
    pub budget: usize,
}

impl Act for FeedIndex {
    type Receipt = ();
    const LAST: bool = true;

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        desk.operator()?;
        let mut left = self.budget;
        let mut streams: Vec<_> = desk.state.unindexed.keys().copied().collect();
        // Another one is first each time, so that a busy room does not keep the others out.
        let turn = desk.steady_ms % (streams.len() as u64).max(1);
        streams.rotate_left(usize::try_from(turn).unwrap_or(0));
        for stream in streams {
            let step = search::advance(desk.connection, stream, left)?;
            desk.change(Change::Indexed {
                stream,
                seq: step.indexed,
                done: step.done,
            });
            left = left.saturating_sub(step.work.max(1));
            if left == 0 {
                break;
            }
        }
        Ok(())
    }
}
