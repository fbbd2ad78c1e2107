//! `update`: replaces the program's own file by a newer one, keeps the former beside it, and restarts a running server.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::context::Context;
use super::exit::{CommandResult, Exit, Failure};
use super::files::{sync_directory, temporary_beside};
use super::output::Output;
use super::running::Presence;
use super::{running, runtime};

/// Replace this program by a newer version and restart a running server
#[derive(Debug, Args)]
pub(super) struct Update {
    /// Take this program
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Build the program from this source tree, with `cargo`, and take it
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "from")]
    source: Option<PathBuf>,
}

pub(super) fn run(arguments: &Update, context: &Context, output: Output) -> CommandResult {
    let executable = std::env::current_exe().context("cannot find the program's own file")?;
    let candidate = match (&arguments.from, &arguments.source) {
        (Some(file), _) => file.clone(),
        (None, Some(tree)) => build(tree)?,
        // Nothing is published under our name that could be fetched, and a stranger's program must not be.
        (None, None) => {
            let advice = "name the newer program: `wardroom update --from FILE`, or `wardroom update --source DIRECTORY` \
                          after bringing the source tree up to date";
            return Err(Failure::new(Exit::Usage, advice.to_owned()));
        }
    };
    let version = from_file(&candidate, &executable, context)?;
    let previous = previous_path(&executable);
    output.line(format_args!(
        "{} is now {version}; the former is {}",
        executable.display(),
        previous.display()
    ))?;
    let restarted = restart_running_server(&executable, context)?;
    if restarted {
        output.line("the running server was restarted")?;
    }
    output.object(&json!({
        "status": "ok",
        "version": version,
        "executable": executable.to_string_lossy(),
        "previous": previous.to_string_lossy(),
        "restarted": restarted,
    }))?;
    Ok(Exit::Done)
}

/// Puts a copy of `candidate` in the executable's place, if it is a wardroom that takes the present configuration.
fn from_file(candidate: &Path, executable: &Path, context: &Context) -> Result<String, Failure> {
    // The copy is what is checked and what is put in place: nobody can exchange it in between.
    let copy = temporary_beside(executable)?;
    let result = fs::copy(candidate, &copy)
        .with_context(|| format!("cannot copy `{}` to `{}`", candidate.display(), copy.display()))
        .map_err(Failure::from)
        .and_then(|_| {
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o755))?;
            fs::File::open(&copy)?.sync_all()?;
            let version = check(&copy, candidate, context)?;
            replace(&copy, executable)?;
            Ok(version)
        });
    if result.is_err() {
        // The first error is the one to tell; the copy has usually been renamed or never been made.
        drop(fs::remove_file(&copy));
    }
    result
}

/// Asks a program for its version and its opinion of the present configuration.
fn check(program: &Path, shown: &Path, context: &Context) -> Result<String, Failure> {
    let refuse = |problem: String| Failure::new(Exit::Failed, format!("`{}` {problem}", shown.display()));
    let run = |arguments: &[OsString]| {
        Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| refuse(format!("cannot be run: {error}")))
    };
    let answer = run(&["--version".into()])?;
    let text = String::from_utf8_lossy(&answer.stdout);
    let version = text
        .trim()
        .strip_prefix("wardroom ")
        .filter(|_| answer.status.success());
    let version = version
        .ok_or_else(|| refuse("is not a wardroom program".to_owned()))?
        .to_owned();
    let mut arguments = vec!["check-config".into()];
    arguments.extend(context.arguments());
    let answer = run(&arguments)?;
    if !answer.status.success() {
        let problems = String::from_utf8_lossy(&answer.stderr).trim().to_owned();
        return Err(Failure::new(
            Exit::from_code(answer.status.code().unwrap_or_default()),
            format!("wardroom {version} does not take the present configuration: {problems}"),
        ));
    }
    Ok(version)
}

/// Puts `copy` in the place of `executable`, of which a second name is kept. There is a whole program at every moment.
fn replace(copy: &Path, executable: &Path) -> Result<(), Failure> {
    keep_previous(executable)?;
    fs::rename(copy, executable).with_context(|| format!("cannot replace `{}`", executable.display()))?;
    if let Some(directory) = executable.parent() {
        sync_directory(directory)?;
    }
    Ok(())
}

fn keep_previous(executable: &Path) -> Result<(), Failure> {
    let previous = previous_path(executable);
    let temporary = temporary_beside(&previous)?;
    fs::copy(executable, &temporary)
        .and_then(|_| fs::rename(&temporary, &previous))
        .with_context(|| format!("cannot keep the former program as `{}`", previous.display()))?;
    Ok(())
}

fn previous_path(executable: &Path) -> PathBuf {
    let mut name = executable.file_name().unwrap_or_default().to_owned();
    name.push(".previous");
    executable.with_file_name(name)
}

/// Has `cargo` build the program of a source tree.
fn build(tree: &Path) -> Result<PathBuf, Failure> {
    let manifest = tree.join("Cargo.toml");
    if !manifest.is_file() {
        let message = format!(
            "`{}` is no source tree of wardroom: it has no `Cargo.toml`",
            tree.display()
        );
        return Err(Failure::new(Exit::Usage, message));
    }
    let target = tree.join("target");
    let status = Command::new("cargo")
        .args(["build", "--release", "--locked", "--bin", "wardroom", "--manifest-path"])
        .arg(&manifest)
        .arg("--target-dir")
        .arg(&target)
        .stdin(Stdio::null())
        // What cargo tells belongs on the standard error output, where it writes it; ours stays one report.
        .stdout(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Ok(target.join("release").join("wardroom")),
        Ok(status) => Err(Failure::new(
            Exit::Failed,
            format!("`cargo build` failed ({status}); nothing was changed"),
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::new(
            Exit::Failed,
            "`cargo` is not there: build the program elsewhere and run `wardroom update --from FILE`".to_owned(),
        )),
        Err(error) => Err(anyhow::Error::new(error).context("cannot run `cargo`").into()),
    }
}

/// Has the new program restart the server, if one is running.
fn restart_running_server(executable: &Path, context: &Context) -> Result<bool, Failure> {
    let presence = runtime::block_on(running::find(&context.data_dir))?;
    if matches!(presence, Presence::Absent) {
        return Ok(false);
    }
    drop(presence);
    let answer = Command::new(executable)
        .arg("restart")
        .arg("--data-dir")
        .arg(context.data_dir.path())
        .stdin(Stdio::null())
        .output()
        .context("cannot run the new program")?;
    if answer.status.success() {
        return Ok(true);
    }
    let exit = Exit::from_code(answer.status.code().unwrap_or_default());
    Err(not_restarted(
        exit,
        &String::from_utf8_lossy(&answer.stderr),
        executable,
    ))
}

/// Tells what a restart has told that did not end well, or has not ended yet.
fn not_restarted(exit: Exit, told: &str, executable: &Path) -> Failure {
    let told = told.trim();
    let told = ["error: ", "notice: "]
        .iter()
        .find_map(|word| told.strip_prefix(word))
        .unwrap_or(told);
    let message = if exit == Exit::Starting {
        format!("the program was replaced and the server was restarted: {told}")
    } else {
        format!(
            "the program was replaced, but the server did not restart: {told}; the former program is `{}`",
            previous_path(executable).display()
        )
    };
    Failure::new(exit, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_still_starting_has_not_failed() {
        let program = Path::new("/bin/wardroom");
        let starting = not_restarted(
            Exit::Starting,
            "notice: the server is still starting and goes on\n",
            program,
        );
        assert_eq!(
            starting.message(),
            "the program was replaced and the server was restarted: the server is still starting and goes on"
        );
        assert_eq!(starting.report()["status"], "starting");
        let failed = not_restarted(Exit::Failed, "error: the port is taken\n", program);
        assert_eq!(
            failed.message(),
            "the program was replaced, but the server did not restart: the port is taken; the former program is \
             `/bin/wardroom.previous`"
        );
        assert_eq!(failed.report()["status"], "error");
    }

    #[test]
    fn the_former_program_keeps_its_name_in_front() {
        assert_eq!(
            previous_path(Path::new("/bin/wardroom")),
            Path::new("/bin/wardroom.previous")
        );
    }
}
