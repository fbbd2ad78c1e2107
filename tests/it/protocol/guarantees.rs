//! What holds always, whatever happens at the same time.

mod cut_off;
mod direct;
mod documents;
mod locking;
mod order;
mod paging;
mod presence;
mod retention;
mod sessions;
