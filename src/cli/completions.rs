//! `completions`: a script that completes this program's commands in a shell.

use std::io::{self, Write};

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use super::exit::{CommandResult, Exit};

/// Print a completion script for a shell
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: &Completions) -> CommandResult {
    let mut script = Vec::new();
    let mut commands = shown(&super::Cli::command());
    clap_complete::generate(arguments.shell, &mut commands, "wardroom", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(Exit::Done)
}

/// The same command without what its help hides: the generators complete that too.
fn shown(command: &Command) -> Command {
    let arguments = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let commands = command.get_subcommands().filter(|command| !command.is_hide_set());
    Command::new(command.get_name().to_owned())
        .about(command.get_about().cloned().unwrap_or_default())
        .version(command.get_version().map(str::to_owned).unwrap_or_default())
        .args(arguments.cloned())
        .subcommands(commands.map(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_not_completed_and_all_else_is() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::Elvish, Shell::PowerShell] {
            let mut script = Vec::new();
            let mut commands = shown(&super::super::Cli::command());
            clap_complete::generate(shell, &mut commands, "wardroom", &mut script);
            let script = String::from_utf8(script).expect("text");
            for hidden in ["detached-child", "docs"] {
                assert!(!script.contains(hidden), "{shell}: {hidden}");
            }
            for offered in [
                "foreground",
                "check-config",
                "rotate",
                "controller",
                "data-dir",
                "completions",
            ] {
                assert!(script.contains(offered), "{shell}: {offered}");
            }
        }
    }
}
