//! The command line: one file for each command.
//!
//! A command gets its arguments, the `Context` and the `Output`, and gives an exit code or a failure
//! that carries one. Commands reach a running server over the operator's socket in the data directory, with the same
//! client and the same protocol as agents do over the network.

mod agentlink;
mod announce;
mod background;
mod backup;
mod bridge;
mod check_config;
mod clients;
mod completions;
mod connect;
mod context;
mod docs;
mod doctor;
mod exit;
mod export;
mod files;
mod foreground;
mod install;
mod key;
mod kick;
mod lock;
mod output;
mod pid_file;
mod ping;
mod preflight;
mod restart;
mod restore;
mod running;
mod runtime;
mod serve;
mod signal;
mod start_flags;
mod status;
mod stop;
mod unlock;
mod update;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use self::context::{Context, Flags};
use self::exit::{CommandResult, Exit};
use self::output::Output;

/// Self-hosted coordination server for AI agents: rooms over WebSocket JSON-RPC
#[derive(Debug, Parser)]
#[command(name = "wardroom", version, after_help = exit::HELP, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Signal(signal::Signal),
    Connect(connect::Connect),
    Ping(ping::Ping),
    /// Stop the running server in an orderly way
    Stop,
    /// Stop the running server and start it again with the same flags, in the background
    Restart,
    /// Say whether a server is running, and what it is doing
    Status,
    /// Refuse participants who connect from now on
    Lock,
    /// Admit participants again
    Unlock,
    /// Disconnect every agent but the controller
    Kick,
    #[command(subcommand)]
    Install(install::Install),
    Update(update::Update),
    /// Look for everything that may be wrong with this installation
    Doctor,
    Backup(backup::Backup),
    Bridge(Box<bridge::Bridge>),
    Restore(restore::Restore),
    Export(export::Export),
    #[command(subcommand)]
    Key(key::Key),
    /// Check the configuration without starting anything
    CheckConfig,
    Completions(completions::Completions),
    #[command(subcommand, hide = true)]
    Docs(docs::Docs),
}

/// Runs the command that the process was started with, and gives the process's exit code.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come by this way too. Nobody is left to tell when the output is closed.
            drop(error.print());
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Done.into()
            };
        }
    };
    let Cli { flags, command } = cli;
    let output = Output::new(flags.json);
    let result = match command {
        None => Cli::command().print_help().map(|()| Exit::Done).map_err(Into::into),
        Some(command) => dispatch(command, flags, output),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }
}

fn dispatch(command: Command, flags: Flags, output: Output) -> CommandResult {
    let context = || Context::new(flags);
    match command {
        Command::Serve(arguments) => serve::run(&arguments, &context()?, output),
        Command::Signal(signal::Signal {}) => signal::run(&context()?, output),
        Command::Connect(arguments) => connect::run(&arguments, &context()?, output),
        Command::Ping(arguments) => ping::run(&arguments, &context()?, output),
        Command::Stop => stop::run(&context()?, output),
        Command::Restart => restart::run(&context()?, output),
        Command::Status => status::run(&context()?, output),
        Command::Lock => lock::run(&context()?, output),
        Command::Unlock => unlock::run(&context()?, output),
        Command::Kick => kick::run(&context()?, output),
        Command::Install(what) => install::run(&what, &context()?, output),
        Command::Update(arguments) => update::run(&arguments, &context()?, output),
        Command::Doctor => doctor::run(&context()?, output),
        Command::Bridge(arguments) => bridge::run(&arguments, &context()?),
        Command::Backup(arguments) => backup::run(&arguments, &context()?, output),
        Command::Restore(arguments) => restore::run(&arguments, &context()?, output),
        Command::Export(arguments) => export::run(&arguments, &context()?, output),
        Command::Key(what) => key::run(&what, &context()?, output),
        Command::CheckConfig => check_config::run(&context()?, output),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Docs(what) => docs::run(&what, output),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_before_or_after_the_command() {
        for line in ["wardroom --port 1 status --json", "wardroom status --port 1 --json"] {
            let cli = Cli::try_parse_from(line.split(' ')).expect("understood");
            assert_eq!((cli.flags.port, cli.flags.json), (Some(1), true), "{line}");
        }
    }

    #[test]
    fn wrong_usage_is_refused() {
        for line in [
            "wardroom nonsense",
            "wardroom status --nonsense",
            "wardroom serve --port 65536",
            "wardroom serve --port -1",
            "wardroom serve --detached-child",
            "wardroom install",
            "wardroom backup",
            "wardroom restore",
            "wardroom export room --force",
            "wardroom key rotate",
            "wardroom completions nonsense",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
