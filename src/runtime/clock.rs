//! Time and chance, passed in so that tests can decide them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rand::TryRng;
use rand::rngs::SysRng;

/// The time of day.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since 1970. May step in either direction: nothing that must not step may be derived from it alone.
    fn now_ms(&self) -> i64;

    /// Milliseconds since some moment before. Never steps: what ends after a while is measured by this.
    fn steady_ms(&self) -> u64;
}

/// The clock of the machine, moved by an offset that a test of clock steps can change.
#[derive(Clone, Debug)]
pub struct SystemClock {
    began: Instant,
    offset_ms: Arc<AtomicI64>,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            offset_ms: Arc::default(),
        }
    }
}

impl SystemClock {
    /// Steps the clock by `step_ms`.
    pub fn step(&self, step_ms: i64) {
        self.offset_ms.fetch_add(step_ms, Ordering::Relaxed);
    }
}

impl Clock for SystemClock {
    fn steady_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock of the machine"
    )]
    fn now_ms(&self) -> i64 {
        let now = SystemTime::now();
        let since = match now.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            // A clock before 1970 is as wrong as can be, yet rooms must go on: they only need time not to run backwards.
            Err(_) => 0,
        };
        since.saturating_add(self.offset_ms.load(Ordering::Relaxed))
    }
}

/// A source of unpredictable bytes.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes`; fails when the operating system has none to give.
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()>;
}

/// The random source of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        SysRng.try_fill_bytes(bytes).map_err(std::io::Error::other)
    }
}
