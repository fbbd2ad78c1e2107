//! `bridge stop`: ends a bridge.

use std::time::{Duration, Instant};

use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::http::print_line;
use super::pid;
use crate::cli::exit::{CommandResult, Exit};

/// How long a bridge may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often to look whether it has.
const PAUSE: Duration = Duration::from_millis(20);

/// End the bridge of a port, or the process that is named
#[derive(Debug, Args)]
pub(super) struct Stop {
    /// Its process [default: the one that serves the port]
    pid: Option<i32>,
    /// End whichever bridge serves this port
    #[arg(long, value_name = "PORT", conflicts_with = "pid")]
    kill_port: Option<u16>,
}

impl Stop {
    pub(super) fn run(&self, port: u16) -> CommandResult {
        let port = self.kill_port.unwrap_or(port);
        let Some(number) = self.pid.or_else(|| pid::serving(port)) else {
            let message = format!("no bridge serves port {port}");
            print_line(&json!({"error": message}).to_string())?;
            return Ok(Exit::Done);
        };
        let ended = Pid::from_raw(number)
            .filter(|_| number > 0)
            .ok_or_else(|| "no such process".to_owned())
            .and_then(|process| kill_process(process, Signal::TERM).map_err(|error| error.to_string()));
        let line = if let Err(error) = ended {
            json!({"error": error}).to_string()
        } else {
            if self.pid.is_none() {
                wait(port, number);
            }
            if self.kill_port.is_some() {
                format!(r#"{{"stopped":true,"pids":[{number}]}}"#)
            } else {
                format!(r#"{{"stopped":true,"pid":{number}}}"#)
            }
        };
        print_line(&line)?;
        Ok(Exit::Done)
    }
}

/// Waits until a bridge has let go of its port, so that another can be started at once.
fn wait(port: u16, number: i32) {
    let until = Instant::now() + PATIENCE;
    while pid::is_serving(port, number) && Instant::now() < until {
        std::thread::park_timeout(PAUSE);
    }
}
