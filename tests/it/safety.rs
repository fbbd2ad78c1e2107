//! What hostile, careless and slow clients can do to the server and to the others: nothing.

mod abuse;
mod crowd;
mod descriptors;
mod flood;
mod guessing;
mod hostile;
mod keys;
mod limits;
mod pages;
mod process;
pub mod raw;
mod removal;
mod sizes;
mod slow_reader;
mod stop;
mod strangers;
mod tls;
mod turns;
