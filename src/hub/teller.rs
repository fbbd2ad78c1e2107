//! Where committed groups are answered and told: on a thread of its own, or at once on the writer thread.
//!
//! Handing a group over wakes a thread, which for a lone message costs as much as telling a few. So the writer tells a small
//! group itself when nothing else waits for it and everything before is told; under load the two work side by side.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio_util::sync::CancellationToken;

use super::fanout::{Fanout, Settled};

/// Committed groups that may wait to be told.
const WAITING_GROUPS: usize = 64;

/// Acts after which what they told is sent, though more wait.
const ACTS_PER_TURN: usize = 1024;

/// Receivers of a group that the writer tells itself.
const FEW: usize = 128;

/// Nothing can be told any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone;

/// Takes committed groups in their order. Used by one thread.
pub(super) struct Teller {
    fanout: Arc<Mutex<Fanout>>,
    /// Bounded: when telling falls behind, deciding waits for it, and with it whoever sends.
    groups: SyncSender<Vec<Settled>>,
    /// Groups that were handed over and are not told yet.
    untold: Arc<AtomicUsize>,
}

impl Teller {
    /// Starts the thread, which ends when this is dropped and everything is told. A panic there cancels `fatal`.
    pub(super) fn start(fanout: Fanout, fatal: CancellationToken) -> io::Result<(Self, JoinHandle<()>)> {
        let (groups, handed_over) = sync_channel(WAITING_GROUPS);
        let fanout = Arc::new(Mutex::new(fanout));
        let untold = Arc::new(AtomicUsize::new(0));
        let work = Work {
            fanout: Arc::clone(&fanout),
            handed_over,
            untold: Arc::clone(&untold),
            fatal,
        };
        let thread = std::thread::Builder::new()
            .name("fanout".into())
            .spawn(move || work.run())?;
        let teller = Self { fanout, groups, untold };
        Ok((teller, thread))
    }

    /// Answers and tells a group; `at_once` when nothing is delayed by that.
    pub(super) fn tell(&self, group: Vec<Settled>, at_once: bool) -> Result<(), Gone> {
        if at_once && self.untold.load(Ordering::Acquire) == 0 {
            let mut fanout = self.fanout.lock().map_err(|_| Gone)?;
            if fanout.receivers(&group) <= FEW {
                fanout.settle(group);
                fanout.flush();
                return Ok(());
            }
        }
        self.untold.fetch_add(1, Ordering::Relaxed);
        self.groups.send(group).map_err(|_| Gone)
    }
}

/// What the thread works on.
struct Work {
    fanout: Arc<Mutex<Fanout>>,
    handed_over: Receiver<Vec<Settled>>,
    untold: Arc<AtomicUsize>,
    fatal: CancellationToken,
}

impl Work {
    fn run(self) {
        while let Ok(first) = self.handed_over.recv() {
            let Ok(mut fanout) = self.fanout.lock() else { return };
            // What waits is told together: a receiver then takes in one piece what several groups have for it.
            let (mut next, mut groups, mut acts) = (Some(first), 0, 0);
            while let Some(group) = next {
                (groups, acts) = (groups + 1, acts + group.len());
                fanout.settle(group);
                next = (acts < ACTS_PER_TURN)
                    .then(|| self.handed_over.try_recv().ok())
                    .flatten();
            }
            fanout.flush();
            drop(fanout);
            self.untold.fetch_sub(groups, Ordering::Release);
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.fatal.cancel();
        }
    }
}
