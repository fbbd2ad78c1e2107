//! `status`: whether a server runs, and what it is doing.

use serde_json::{Value, json};

use super::context::Context;
use super::exit::{CommandResult, Exit, Failure};
use super::output::Output;
use super::running::Presence;
use super::{running, runtime};
use crate::client::Methods;

pub(super) fn run(context: &Context, output: Output) -> CommandResult {
    let status = runtime::block_on(async {
        match running::find(&context.data_dir).await? {
            Presence::Absent => Ok(None),
            Presence::Present(connection) => match connection.operator_status().await {
                Ok(status) => Ok(Some(status)),
                Err(error) => Err(anyhow::Error::new(error)
                    .context("the running server gave no status")
                    .into()),
            },
            Presence::Starting(pid) => Err(running::starting(context, pid)),
            Presence::Silent => Err(running::silent(context)),
        }
    })?;
    let data_dir = context.data_dir.path().to_string_lossy();
    let Some(mut status) = status else {
        output.line(format_args!("no server is running on {data_dir}"))?;
        output.object(&json!({"status": "ok", "running": false, "dataDir": data_dir}))?;
        return Ok(Exit::NotRunning);
    };
    if let Some(members) = status.as_object_mut() {
        members.insert("running".to_owned(), json!(true));
        members.insert("dataDir".to_owned(), json!(data_dir));
    }
    print(context, &status, output)?;
    output.object(&status)?;
    Ok(Exit::Done)
}

fn print(context: &Context, status: &Value, output: Output) -> Result<(), Failure> {
    let text = |name: &str| status[name].as_str().unwrap_or("unknown").to_owned();
    let number = |name: &str| {
        status[name]
            .as_u64()
            .map_or_else(|| "unknown".to_owned(), |number| number.to_string())
    };
    let addresses: Vec<&str> = status["addresses"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    output.line(format_args!(
        "wardroom {} is running, process {}",
        text("version"),
        number("pid")
    ))?;
    output.line(format_args!("Data directory: {}", text("dataDir")))?;
    output.line(format_args!("Addresses: {}", addresses.join(" ")))?;
    output.line(format_args!(
        "Up for: {}",
        duration(status["uptimeMs"].as_u64().unwrap_or_default())
    ))?;
    output.line(format_args!(
        "Agents: {}, {} online in {} sessions",
        number("agents"),
        number("agentsOnline"),
        number("sessions")
    ))?;
    output.line(format_args!(
        "Rooms: {}, with {} messages",
        number("rooms"),
        number("messages")
    ))?;
    output.line(format_args!("Durability: {}", text("durability")))?;
    if status["locked"] == true {
        output.line(format_args!(
            "Locked: participants are refused until `{}`",
            context.hint("unlock")
        ))?;
    }
    if status["writable"] == false {
        output.line("Storage: nothing can be written; see the log")?;
    }
    Ok(())
}

/// A duration in the two largest units that say something.
fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_shows_its_two_largest_units() {
        for (milliseconds, expected) in [
            (999, "0 s"),
            (61_000, "1 min 1 s"),
            (3_600_000, "1 h 0 min"),
            (90_000_000, "1 d 1 h"),
        ] {
            assert_eq!(duration(milliseconds), expected);
        }
    }
}
