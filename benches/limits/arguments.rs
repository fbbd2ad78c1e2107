//! The command line: of whoever measures, of `cargo test`, and of the references that the program starts itself.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// What the process is to do.
pub enum Role {
    /// Measure and print the table.
    Measure(Options),
    /// Be the bare broadcast server.
    Broadcast(BroadcastOptions),
    /// Be the bare group-commit loop.
    Commits(CommitOptions),
    /// Print this and end.
    Nothing(&'static str),
}

/// Measures wardroom beside what this machine can do at best, and prints one table
#[derive(Parser)]
#[command(name = "cargo bench --", disable_version_flag = true)]
struct CommandLine {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    reference: Option<Reference>,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

/// How to measure.
#[derive(Args, Default)]
pub struct Options {
    /// Print the rows as JSON
    #[arg(long)]
    pub json: bool,
    /// Measure only what has this in its name
    #[arg(long, value_name = "NAME")]
    pub only: Option<String>,
    /// Do everything at a small scale: a smoke test whose figures mean nothing
    #[arg(long)]
    pub quick: bool,
}

#[derive(Subcommand)]
#[command(hide = true)]
enum Reference {
    #[command(hide = true)]
    Broadcast(BroadcastOptions),
    #[command(hide = true)]
    Commits(CommitOptions),
}

/// How to broadcast.
#[derive(Args)]
pub struct BroadcastOptions {
    /// Bytes of the text that each receiver gets
    #[arg(long)]
    pub bytes: usize,
    /// Commit what was received to this database before it is sent
    #[arg(long)]
    pub database: Option<PathBuf>,
}

/// How to commit.
#[derive(Args)]
pub struct CommitOptions {
    /// The database
    #[arg(long)]
    pub database: PathBuf,
    /// Threads that ask
    #[arg(long)]
    pub requesters: usize,
    /// Requests of each that wait for their commit
    #[arg(long)]
    pub in_flight: usize,
    /// Requests of each
    #[arg(long)]
    pub requests: usize,
    /// Bytes of each message
    #[arg(long)]
    pub bytes: usize,
    /// Rooms that the messages of the requesters, or of a lone one, are spread over
    #[arg(long)]
    pub rooms: usize,
    /// Messages that are stored before: while its files grow, a database is slower than later
    #[arg(long)]
    pub before: usize,
}

/// Reads the command line.
pub fn read(arguments: impl Iterator<Item = String>) -> Role {
    let arguments: Vec<String> = arguments.collect();
    let ours = [
        "--bench",
        "--quick",
        "--json",
        "--only",
        "--help",
        "broadcast",
        "commits",
    ];
    let is_ours = |argument: &String| ours.iter().any(|known| argument.split('=').next() == Some(*known));
    if !arguments.iter().any(is_ours) {
        return as_test(&arguments);
    }
    let line = CommandLine::parse_from(std::iter::once("limits".to_owned()).chain(arguments));
    match line.reference {
        Some(Reference::Broadcast(options)) => Role::Broadcast(options),
        Some(Reference::Commits(options)) => Role::Commits(options),
        None => Role::Measure(line.options),
    }
}

/// The name under which `cargo test` knows the quick run.
const TEST: &str = "benchmarks_give_every_row";

/// Behaves as a test program with one test does.
fn as_test(arguments: &[String]) -> Role {
    let with_value = ["--test-threads", "--skip", "--format", "--color", "--logfile", "-Z"];
    let (mut filters, mut skipped, mut rest) = (Vec::new(), Vec::new(), arguments.iter());
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--list" => return Role::Nothing("benchmarks_give_every_row: test\n"),
            "--ignored" => return Role::Nothing(""),
            "--skip" => skipped.extend(rest.next()),
            option if with_value.contains(&option) => drop(rest.next()),
            option if option.starts_with('-') => {}
            _ => filters.push(argument),
        }
    }
    let matches = |filters: &[&String]| filters.iter().any(|filter| TEST.contains(filter.as_str()));
    if matches(&skipped) || !filters.is_empty() && !matches(&filters) {
        return Role::Nothing("");
    }
    Role::Measure(Options {
        quick: true,
        ..Options::default()
    })
}
