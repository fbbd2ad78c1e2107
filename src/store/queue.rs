//! The jobs that wait for the writer thread.
//!
//! Bounded; whoever submits one more waits for a place. The writer takes everything that waits at once, and is woken when
//! the worker thread that submitted has nothing more to submit.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Wake, Waker};
use std::thread::{self, Thread};

use tokio::sync::Semaphore;

use crate::runtime::turn;

/// A queue with so many places.
pub(super) fn queue<J>(places: usize) -> (Sender<J>, Receiver<J>) {
    let bell = Arc::new(Bell::default());
    let shared = Arc::new(Shared {
        waiting: Mutex::new(Waiting {
            jobs: Vec::new(),
            is_closed: false,
        }),
        places: Semaphore::new(places),
        many: places.div_ceil(2),
        waker: Arc::clone(&bell).into(),
    });
    let sender = Sender(Arc::new(Handle(Arc::clone(&shared))));
    (sender, Receiver { shared, bell })
}

struct Shared<J> {
    waiting: Mutex<Waiting<J>>,
    places: Semaphore,
    /// When so many jobs wait, the writer is woken at once.
    many: usize,
    waker: Waker,
}

struct Waiting<J> {
    jobs: Vec<J>,
    /// One of the two ends is gone.
    is_closed: bool,
}

impl<J> Shared<J> {
    fn lock(&self) -> MutexGuard<'_, Waiting<J>> {
        // Nothing under this lock can panic half way through a change.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the writer thread.
#[derive(Default)]
struct Bell(OnceLock<Thread>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(thread) = self.0.get() {
            thread.unpark();
        }
    }
}

/// The end where jobs go in. Cheap to clone.
pub(super) struct Sender<J>(Arc<Handle<J>>);

impl<J> Clone for Sender<J> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// What all clones of a sender share.
struct Handle<J>(Arc<Shared<J>>);

impl<J> Drop for Handle<J> {
    fn drop(&mut self) {
        self.0.lock().is_closed = true;
        self.0.waker.wake_by_ref();
    }
}

impl<J> Sender<J> {
    /// Adds a job, waiting for a place. Gives it back when nobody takes jobs any more.
    pub(super) async fn send(&self, job: J) -> Result<(), J> {
        let shared = &self.0.0;
        let Ok(place) = shared.places.acquire().await else {
            return Err(job);
        };
        let mut waiting = shared.lock();
        if waiting.is_closed {
            return Err(job);
        }
        place.forget();
        waiting.jobs.push(job);
        let is_many = waiting.jobs.len() >= shared.many;
        drop(waiting);
        if is_many {
            shared.waker.wake_by_ref();
        } else {
            turn::wake(&shared.waker);
        }
        Ok(())
    }
}

/// The end where jobs come out.
pub(super) struct Receiver<J> {
    shared: Arc<Shared<J>>,
    bell: Arc<Bell>,
}

impl<J> Receiver<J> {
    /// Waits for jobs: all that wait, at most `most`. `None` when there will be none. To be called by one thread only.
    pub(super) fn take(&self, most: usize) -> Option<Vec<J>> {
        self.bell.0.get_or_init(thread::current);
        loop {
            let mut waiting = self.shared.lock();
            if !waiting.jobs.is_empty() {
                let jobs = if waiting.jobs.len() <= most {
                    std::mem::take(&mut waiting.jobs)
                } else {
                    waiting.jobs.drain(..most).collect()
                };
                drop(waiting);
                self.shared.places.add_permits(jobs.len());
                return Some(jobs);
            }
            if waiting.is_closed {
                return None;
            }
            drop(waiting);
            // A wake between the look and this makes it return at once.
            thread::park();
        }
    }

    /// Whether no job waits.
    pub(super) fn is_empty(&self) -> bool {
        self.shared.lock().jobs.is_empty()
    }
}

impl<J> Drop for Receiver<J> {
    fn drop(&mut self) {
        self.shared.places.close();
        let mut waiting = self.shared.lock();
        waiting.is_closed = true;
        let unanswered = std::mem::take(&mut waiting.jobs);
        drop(waiting);
        drop(unanswered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_come_out_in_their_order_and_not_more_than_asked_for() {
        let (sender, receiver) = queue(8);
        for job in 0..5 {
            assert_eq!(sender.send(job).await, Ok(()));
        }
        drop(sender);
        assert_eq!(receiver.take(3), Some(vec![0, 1, 2]));
        assert_eq!(receiver.take(3), Some(vec![3, 4]));
        assert_eq!(receiver.take(3), None);
    }

    #[tokio::test]
    async fn whoever_finds_no_place_waits_for_one() {
        let (sender, receiver) = queue(1);
        assert_eq!(sender.send(0).await, Ok(()));
        let mut second = std::pin::pin!(sender.send(1));
        assert!(futures_util::poll!(second.as_mut()).is_pending());
        assert_eq!(receiver.take(8), Some(vec![0]));
        assert_eq!(second.await, Ok(()));
    }

    #[tokio::test]
    async fn what_nobody_takes_any_more_is_given_back() {
        let (sender, receiver) = queue(8);
        drop(receiver);
        assert_eq!(sender.send(7).await, Err(7));
    }

    #[tokio::test]
    async fn a_thread_that_waits_is_woken_by_a_job_and_by_the_end() {
        let (sender, receiver) = queue(8);
        let thread = thread::spawn(move || {
            let mut taken = Vec::new();
            while let Some(jobs) = receiver.take(8) {
                taken.extend(jobs);
            }
            taken
        });
        for job in 0..100 {
            assert_eq!(sender.send(job).await, Ok(()));
        }
        drop(sender);
        assert_eq!(thread.join().expect("an end"), (0..100).collect::<Vec<_>>());
    }
}
