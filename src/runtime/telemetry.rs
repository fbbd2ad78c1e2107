//! The log: where it goes, in which form, and that nothing in it can pass for something else.

mod escape;
mod rotation;

use std::any::Any;
use std::ffi::OsStr;
use std::io::{self, IsTerminal as _};
use std::panic::PanicHookInfo;
use std::path::PathBuf;

use tracing::{Level, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::{self, JsonFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry};

use self::escape::{EscapedFields, EscapedJson};
use self::rotation::RotatingFile;

/// What is logged, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogOptions {
    /// A level, and after commas exceptions for parts of the program.
    pub level: String,
    /// The form of a line.
    pub format: LineFormat,
    /// The size at which a log file is put aside.
    pub max_bytes: u64,
    /// Files put aside that are kept beside the current one.
    pub max_files: u32,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: LineFormat::Text,
            max_bytes: 10 * 1024 * 1024,
            max_files: 5,
        }
    }
}

/// The form of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Lines that wait for the disk or terminal. When it is full, further lines are dropped and counted: a stalled log must
/// not stall the service.
const QUEUE_LINES: usize = 16_384;

/// The name of the thread that writes the log.
const WRITER_THREAD: &str = "wardroom-log";

/// Where the log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sink {
    /// To the standard error output, in colour when that is a terminal and `NO_COLOR` is not set.
    Stderr,
    /// To this file, which is put aside as `.1`, `.2` and so on when it has grown enough; never in colour.
    File(PathBuf),
}

/// Keeps the log going; dropping it writes what still waits.
#[must_use = "the log ends when the guard is dropped"]
#[derive(Debug)]
pub struct Guard {
    lost: ErrorCounter,
    _worker: WorkerGuard,
}

impl Guard {
    /// How many lines were dropped because the disk or terminal could not keep up.
    #[must_use]
    pub fn lost_lines(&self) -> usize {
        self.lost.dropped_lines()
    }
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log.level` is no filter.
    #[error("`log.level` is not understood: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// The log file cannot be written.
    #[error("the log file `{}` cannot be opened: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The process has a log already.
    #[error("the log was set up before")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Sets up the log of the process, and has panics reported in it.
///
/// A panic is logged by its place; its message only when that is fixed text, because a message made at run time may hold
/// what users wrote.
///
/// # Errors
///
/// [`TelemetryError`] when the level is not understood, the file cannot be opened, or there is a log already.
pub fn init(log: &LogOptions, sink: Sink) -> Result<Guard, TelemetryError> {
    let (subscriber, guard) = build(log, sink)?;
    subscriber.try_init()?;
    std::panic::set_hook(Box::new(report_panic));
    Ok(guard)
}

/// Puts the log together without making it the one of the process.
fn build(log: &LogOptions, sink: Sink) -> Result<(Box<dyn Subscriber + Send + Sync>, Guard), TelemetryError> {
    let filter = EnvFilter::try_new(&log.level)?;
    let queue = NonBlockingBuilder::default()
        .buffered_lines_limit(QUEUE_LINES)
        .lossy(true)
        .thread_name(WRITER_THREAD);
    let (colour, (writer, worker)) = match sink {
        Sink::Stderr => {
            let no_color = std::env::var_os("NO_COLOR");
            let colour = wants_colour(io::stderr().is_terminal(), no_color.as_deref());
            (colour, queue.finish(io::stderr()))
        }
        Sink::File(path) => {
            let file = RotatingFile::open(&path, log.max_bytes, log.max_files)
                .map_err(|source| TelemetryError::File { path, source })?;
            (false, queue.finish(file))
        }
    };
    let guard = Guard {
        lost: writer.error_counter(),
        _worker: worker,
    };
    Ok((subscriber(log.format, filter, writer, colour), guard))
}

/// Below `info` only this program speaks, whatever the level: libraries show frames there, and with them keys and messages.
/// Those of WebRTC show addresses of peers at any level, and what they have to say is told by the link.
fn subscriber(
    form: LineFormat,
    filter: EnvFilter,
    writer: NonBlocking,
    colour: bool,
) -> Box<dyn Subscriber + Send + Sync> {
    let layer = match form {
        LineFormat::Text => tracing_subscriber::fmt::layer()
            .with_writer(writer)
            .with_ansi(colour)
            .fmt_fields(EscapedFields)
            .boxed(),
        LineFormat::Json => tracing_subscriber::fmt::layer()
            .with_writer(writer)
            .with_ansi(false)
            .fmt_fields(JsonFields::new())
            .event_format(EscapedJson(format::format().json().flatten_event(true)))
            .boxed(),
    };
    let ours = filter_fn(|event| {
        let is_ours = event.target().starts_with(env!("CARGO_PKG_NAME"));
        let is_of_links = ["webrtc", "rtc"]
            .iter()
            .any(|library| event.target().starts_with(library));
        is_ours || (*event.level() <= Level::INFO && !is_of_links)
    });
    Box::new(Registry::default().with(filter).with(layer.with_filter(ours)))
}

/// Colour is for terminals, and not for people who set `NO_COLOR` to anything.
fn wants_colour(is_terminal: bool, no_color: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty)
}

fn report_panic(panic: &PanicHookInfo<'_>) {
    // The log's own thread would wait for itself.
    if std::thread::current().name() == Some(WRITER_THREAD) {
        return;
    }
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, reason = fixed_text(panic.payload()), "panicked");
}

/// The message of a panic where it was written in the code as it stands.
fn fixed_text(payload: &(dyn Any + Send)) -> &'static str {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .unwrap_or("not shown, it may hold messages")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(log: &LogOptions, write: impl FnOnce()) -> String {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("wardroom.log");
        let (subscriber, guard) = build(log, Sink::File(path.clone())).expect("a log");
        tracing::subscriber::with_default(subscriber, write);
        drop(guard);
        std::fs::read_to_string(path).expect("the log")
    }

    /// Every way by which a foreign text gets into a line.
    fn log_everywhere(text: &str) {
        let error = io::Error::other(text.to_owned());
        let span = tracing::info_span!("call", caller = text, shown = %text);
        let _entered = span.enter();
        tracing::info!(
            plain = text,
            shown = %text,
            debugged = ?text,
            error = &error as &dyn std::error::Error,
            "said {text}"
        );
    }

    #[test]
    fn regression_libraries_do_not_log_frames_at_any_level() {
        let log = LogOptions {
            level: "trace".into(),
            ..LogOptions::default()
        };
        let text = logged(&log, || {
            tracing::trace!(target: "tungstenite::protocol", "a frame with a key in it");
            tracing::warn!(target: "tungstenite::protocol", "a warning");
            tracing::error!(target: "webrtc::peer_connection::driver", "an address");
            tracing::error!(target: "rtc_ice::agent", "an address");
            tracing::trace!(target: "wardroom::store", "a detail");
        });
        assert!(!text.contains("a frame") && !text.contains("an address"), "{text:?}");
        assert!(text.contains("a warning") && text.contains("a detail"), "{text:?}");
    }

    const FORGERY: &str = "x\n2026-01-01T00:00:00Z ERROR forged\r\t\u{1b}[31m\u{7f}\u{9b}2J\u{202e}\u{2028}end";

    #[test]
    fn a_line_of_text_cannot_be_forged() {
        let text = logged(&LogOptions::default(), || log_everywhere(FORGERY));
        assert_eq!(text.matches('\n').count(), 1, "{text:?}");
        let line = text.trim_end_matches('\n');
        assert!(!line.chars().any(crate::text::is_deceptive), "{text:?}");
        assert_eq!(line.matches("end").count(), 7, "{text:?}");
        assert!(line.contains("INFO"), "{text:?}");
        assert!(line.contains("said x\\n2026"), "{text:?}");
    }

    #[test]
    fn a_line_of_json_cannot_be_forged_and_keeps_the_value() {
        let log = LogOptions {
            format: LineFormat::Json,
            ..LogOptions::default()
        };
        let text = logged(&log, || log_everywhere(FORGERY));
        assert_eq!(text.matches('\n').count(), 1, "{text:?}");
        let line = text.trim_end_matches('\n');
        assert!(!line.chars().any(crate::text::is_deceptive), "{text:?}");
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(value["plain"], FORGERY);
        assert_eq!(value["shown"], FORGERY);
        assert_eq!(value["message"], format!("said {FORGERY}"));
        assert_eq!(value["span"]["caller"], FORGERY);
        assert_eq!(value["level"], "INFO");
    }

    #[test]
    fn the_level_filters() {
        let log = LogOptions {
            level: "warn,wardroom::runtime=debug".to_owned(),
            ..LogOptions::default()
        };
        let text = logged(&log, || {
            tracing::info!(target: "elsewhere", "not shown");
            tracing::warn!(target: "elsewhere", "shown in general");
            tracing::debug!("shown by the exception");
            tracing::trace!("too detailed");
        });
        let shown: Vec<_> = text.lines().filter_map(|line| line.rsplit(": ").next()).collect();
        assert_eq!(shown, ["shown in general", "shown by the exception"]);
    }

    #[test]
    fn the_chain_of_an_error_is_shown() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] io::Error);
        let text = logged(&LogOptions::default(), || {
            let error = Outer(io::Error::other("inner"));
            tracing::error!(error = &error as &dyn std::error::Error, count = 3, "failed");
        });
        assert!(text.contains("failed error=outer: inner count=3"), "{text}");
    }

    #[test]
    fn colour_is_for_terminals_without_no_color() {
        for (is_terminal, no_color, expected) in [
            (true, None, true),
            (true, Some(""), true),
            (true, Some("1"), false),
            (true, Some("0"), false),
            (false, None, false),
        ] {
            let found = wants_colour(is_terminal, no_color.map(OsStr::new));
            assert_eq!(found, expected, "{is_terminal} {no_color:?}");
        }
    }

    #[test]
    fn values_are_escaped_in_colour_too() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("colour.log");
        let (writer, worker) = NonBlocking::new(std::fs::File::create(&path).expect("a file"));
        let subscriber = subscriber(LineFormat::Text, EnvFilter::new("info"), writer, true);
        tracing::subscriber::with_default(subscriber, || log_everywhere("\u{1b}]0;title\u{7}"));
        drop(worker);
        let text = std::fs::read_to_string(path).expect("the log");
        assert!(text.contains("\u{1b}["), "coloured: {text:?}");
        assert!(!text.contains("\u{1b}]") && !text.contains('\u{7}'), "{text:?}");
    }

    #[test]
    fn what_cannot_be_set_up_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let nowhere = directory.path().join("missing").join("wardroom.log");
        let result = build(&LogOptions::default(), Sink::File(nowhere)).map(|_| ());
        assert!(matches!(result, Err(TelemetryError::File { .. })), "{result:?}");
        let log = LogOptions {
            level: "a=b=c".to_owned(),
            ..LogOptions::default()
        };
        let result = build(&log, Sink::Stderr).map(|_| ());
        assert!(matches!(result, Err(TelemetryError::Level(_))), "{result:?}");
    }

    #[test]
    fn a_panic_shows_its_message_only_when_it_is_fixed_text() {
        let caught = |run: fn()| std::panic::catch_unwind(run).expect_err("panics");
        assert_eq!(fixed_text(&*caught(|| panic!("plain"))), "plain");
        assert!(!fixed_text(&*caught(|| panic!("{}", String::from("secret")))).contains("secret"));
    }
}
