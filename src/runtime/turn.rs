//! The turns of worker threads: whom the tasks of one turn want to wake is woken once, when it ends.
//!
//! A thread that is woken by the first of many requests, which lie in one socket or in sockets that became readable
//! together, takes that one alone and lets the others wait for its second round. Woken when the worker has nothing left to
//! do, it takes them all.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Waker;
use std::time::{Duration, Instant};

/// How long whoever is to be woken may wait for the end of a turn: after that, the next end of a part of it is enough.
const LONGEST: Duration = Duration::from_micros(200);

thread_local! {
    static TURN: RefCell<Turn> = const { RefCell::new(Turn { owed: Vec::new(), since: None, is_in_part: false, has_end: false }) };
}

/// What a thread owes to others.
struct Turn {
    owed: Vec<Waker>,
    /// When the first of them was owed.
    since: Option<Instant>,
    /// A task is at work that takes part in turns.
    is_in_part: bool,
    /// The thread says when its turns end.
    has_end: bool,
}

/// Wakes at the end of this thread's turn, or at once when no turn is on.
pub fn wake(waker: &Waker) {
    let is_owed = TURN.with_borrow_mut(|turn| {
        if turn.is_in_part {
            if !turn.owed.iter().any(|owed| owed.will_wake(waker)) {
                turn.owed.push(waker.clone());
            }
            turn.since.get_or_insert_with(Instant::now);
        }
        turn.is_in_part
    });
    if !is_owed {
        waker.wake_by_ref();
    }
}

/// Lets what `future` does take part in turns.
pub async fn take_part<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        let part = Part::begin();
        let polled = future.as_mut().poll(context);
        drop(part);
        polled
    })
    .await
}

/// Ends the turn of this thread: to be called whenever it has nothing more to do, and before it ends.
pub fn end() {
    TURN.with_borrow_mut(|turn| turn.has_end = true);
    wake_owed();
}

fn wake_owed() {
    let owed = TURN.with_borrow_mut(|turn| {
        turn.since = None;
        std::mem::take(&mut turn.owed)
    });
    for waker in owed {
        waker.wake();
    }
}

/// One poll of a task. Ends with it, also by a panic.
struct Part;

impl Part {
    fn begin() -> Self {
        TURN.with_borrow_mut(|turn| turn.is_in_part = true);
        Self
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let is_due = TURN.with_borrow_mut(|turn| {
            turn.is_in_part = false;
            turn.since
                .is_some_and(|since| !turn.has_end || since.elapsed() >= LONGEST)
        });
        if is_due {
            wake_owed();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Bell(AtomicUsize);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn whoever_is_woken_outside_of_a_turn_is_woken_at_once() {
        let bell = Arc::new(Bell::default());
        wake(&Arc::clone(&bell).into());
        assert_eq!(bell.0.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn whoever_is_woken_often_in_a_part_is_woken_once_behind_it() {
        let bell = Arc::new(Bell::default());
        let waker: Waker = Arc::clone(&bell).into();
        take_part(async {
            wake(&waker);
            wake(&waker);
            assert_eq!(bell.0.load(Ordering::Relaxed), 0);
        })
        .await;
        assert_eq!(bell.0.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn whoever_is_owed_a_wake_gets_it_when_a_part_panics() {
        let bell = Arc::new(Bell::default());
        let waker: Waker = Arc::clone(&bell).into();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(take_part(async move {
            wake(&waker);
            panic!("on purpose");
        }));
        let ended: Option<Result<(), _>> = tasks.join_next().await;
        assert!(ended.is_some_and(|ended| ended.is_err()));
        assert_eq!(bell.0.load(Ordering::Relaxed), 1);
    }
}
