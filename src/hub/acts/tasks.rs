//! Offering work, claiming it under a lease, and finishing it.

mod course;
mod finish;
mod leases;
mod offer;
mod work;

pub use finish::{CancelTask, Finish, FinishTask};
pub(super) use finish::{finish_unclaimed, redact_task};
pub(super) use leases::end_leases;
pub use leases::{EndLeases, ExpireLeases};
pub use offer::{Assignee, OfferTask};
pub use work::{ClaimTask, RenewTask, TaskMove, UpdateTask};

/// How long a claim holds; bounds are checked by whoever makes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Term(pub u64);
