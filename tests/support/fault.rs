//! A disk that fails and a clock that lies: `fault.c`, loaded into the server.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::server::TestServerBuilder;

/// Which file calls count.
pub mod calls {
    pub const SYNC: i64 = 1;
    pub const WRITE: i64 = 2;
    pub const TRUNCATE: i64 = 4;
    /// Opening for writing.
    pub const OPEN: i64 = 8;
    pub const READ: i64 = 16;
    /// Everything that changes a file.
    pub const CHANGES: i64 = SYNC | WRITE | TRUNCATE | OPEN;
    pub const ALL: i64 = CHANGES | READ;
}

/// On which files of the data directory.
pub mod files {
    /// The database.
    pub const DATABASE: i64 = 1;
    /// Its write-ahead log.
    pub const LOG: i64 = 2;
    /// The index of the log, which all connections share.
    pub const INDEX: i64 = 4;
    /// Whatever SQLite writes.
    pub const SQLITE: i64 = DATABASE | LOG | INDEX;
    pub const ALL: i64 = 15;
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is counted only.
    Pass,
    /// It fails: the disk is broken.
    Broken,
    /// It fails: the disk is full.
    Full,
    /// It fails: the file system is read-only.
    ReadOnly,
    /// The process is killed in its place.
    Kill,
    /// It waits until its fate is another.
    Hold,
}

impl Fate {
    fn number(self) -> i64 {
        use rustix::io::Errno;
        let errno = |errno: Errno| i64::from(errno.raw_os_error());
        match self {
            Self::Pass => 0,
            Self::Kill => -1,
            Self::Hold => -2,
            Self::Broken => errno(Errno::IO),
            Self::Full => errno(Errno::NOSPC),
            Self::ReadOnly => errno(Errno::ROFS),
        }
    }
}

/// Which calls fail, and how.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub calls: i64,
    pub files: i64,
    /// The first call to fail, counted from 1 from now on.
    pub first: u64,
    /// The last one.
    pub last: u64,
    pub fate: Fate,
}

impl Fault {
    /// Every such call from now on.
    pub fn always(calls: i64, files: i64, fate: Fate) -> Self {
        Self {
            calls,
            files,
            first: 1,
            last: u64::MAX >> 1,
            fate,
        }
    }

    /// The `nth` such call from now on, and no other.
    pub fn nth(calls: i64, files: i64, nth: u64, fate: Fate) -> Self {
        Self {
            calls,
            files,
            first: nth,
            last: nth,
            fate,
        }
    }
}

/// The places in `struct control` of fault.c, in its order.
#[derive(Clone, Copy)]
enum Field {
    Calls,
    Files,
    First,
    Last,
    Error,
    Count,
    Failed,
    SyncsBegun,
    SyncsEnded,
    ClockMs,
    FrozenMs,
}

/// A data directory whose files fail when a test wants it.
pub struct Faults {
    place: TempDir,
    control: File,
}

impl Faults {
    pub fn new() -> Self {
        let place = tempfile::tempdir().expect("a temporary directory");
        let control = File::options()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(place.path().join("control"))
            .expect("a control file");
        // Longer than the fields, so that the whole page can be mapped.
        control.set_len(4096).expect("a control file");
        Self { place, control }
    }

    /// The data directory. The server makes it.
    pub fn data_dir(&self) -> PathBuf {
        self.place.path().join("data")
    }

    /// A server on the data directory, with the faults built in.
    pub fn server(&self, builder: TestServerBuilder) -> TestServerBuilder {
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        builder
            .data_dir(&self.data_dir())
            .environment("LD_PRELOAD", &text(library()))
            .environment("FAULT_DIRECTORY", &text(&self.data_dir()))
            .environment("FAULT_CONTROL", &text(&self.place.path().join("control")))
    }

    /// Puts a fault in force; whatever was in force before is over.
    pub fn set(&self, fault: Fault) {
        let number = |count: u64| i64::try_from(count).expect("a small number");
        self.clear();
        for (field, value) in [
            (Field::Count, 0),
            (Field::Failed, 0),
            (Field::Files, fault.files),
            (Field::First, number(fault.first)),
            (Field::Last, number(fault.last)),
            (Field::Error, fault.fate.number()),
            (Field::Calls, fault.calls),
        ] {
            self.put(field, value);
        }
    }

    /// Changes what becomes of the calls that the fault in force names, those that are held included.
    pub fn change(&self, fate: Fate) {
        self.put(Field::Error, fate.number());
    }

    /// Puts an end to the fault in force.
    pub fn clear(&self) {
        self.put(Field::Calls, 0);
        self.put(Field::Error, 0);
    }

    /// How many calls counted since the fault was set.
    pub fn count(&self) -> u64 {
        self.get(Field::Count)
    }

    /// How many of them failed, or are held.
    pub fn failed(&self) -> u64 {
        self.get(Field::Failed)
    }

    /// How many times a file was about to be synced so far.
    pub fn syncs_begun(&self) -> u64 {
        self.get(Field::SyncsBegun)
    }

    /// How many times it has been.
    pub fn syncs_ended(&self) -> u64 {
        self.get(Field::SyncsEnded)
    }

    /// Shifts the time of day of the server by so much from what it is.
    pub fn shift_clock(&self, milliseconds: i64) {
        self.put(Field::ClockMs, milliseconds);
    }

    /// Makes the time of day of the server stand still at so many milliseconds since 1970, or go on.
    pub fn freeze_clock(&self, at_ms: Option<i64>) {
        self.put(Field::FrozenMs, at_ms.unwrap_or(0));
    }

    fn put(&self, field: Field, value: i64) {
        self.control
            .write_all_at(&value.to_ne_bytes(), field as u64 * 8)
            .expect("the control file is ours");
    }

    fn get(&self, field: Field) -> u64 {
        let mut bytes = [0; 8];
        self.control
            .read_exact_at(&mut bytes, field as u64 * 8)
            .expect("the control file is ours");
        u64::from_ne_bytes(bytes)
    }
}

/// The compiled library, made once for each run of the tests.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/fault.c");
        let fresh = directory.join(format!("fault.{}.so", std::process::id()));
        let compiled = Command::new("cc")
            .args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
            .args([fresh.as_os_str(), source.as_ref()])
            .output()
            .expect("this test needs a C compiler named `cc`, as the build of SQLite does");
        assert!(
            compiled.status.success(),
            "`{source}` cannot be compiled:\n{}",
            String::from_utf8_lossy(&compiled.stderr)
        );
        // Renamed, so that a server of another run never loads half of it.
        let library = directory.join("fault.so");
        std::fs::rename(&fresh, &library).expect("the library is ours");
        library
    })
}
