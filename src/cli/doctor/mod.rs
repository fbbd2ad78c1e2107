//! `doctor`: looks for everything that may be wrong with an installation and says what to do. It puts nothing right itself.

mod checks;
mod network;
mod storage;

use serde_json::{Value, json};

use super::context::Context;
use super::exit::{CommandResult, Exit};
use super::output::{Colour, Output};
use super::running::Presence;
use super::{running, runtime, start_flags};
use crate::client::Methods;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// As it should be.
    Fine,
    /// Worth knowing; nothing is broken by it.
    Notice,
    /// To be put right.
    Wrong,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Notice => "notice",
            Self::Wrong => "wrong",
        }
    }

    fn colour(self) -> Colour {
        match self {
            Self::Fine => Colour::Green,
            Self::Notice => Colour::Yellow,
            Self::Wrong => Colour::Red,
        }
    }
}

/// What one look has found.
#[derive(Debug)]
struct Finding {
    /// What was looked at.
    subject: &'static str,
    verdict: Verdict,
    /// What is so.
    text: String,
    /// What to do about it; none when all is well.
    advice: Option<String>,
}

impl Finding {
    fn fine(subject: &'static str, text: impl Into<String>) -> Self {
        Self {
            subject,
            verdict: Verdict::Fine,
            text: text.into(),
            advice: None,
        }
    }

    fn notice(subject: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            subject,
            verdict: Verdict::Notice,
            text: text.into(),
            advice: Some(advice.into()),
        }
    }

    fn wrong(subject: &'static str, text: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            subject,
            verdict: Verdict::Wrong,
            text: text.into(),
            advice: Some(advice.into()),
        }
    }
}

/// What is known of the server on the data directory.
#[derive(Debug)]
enum Server {
    /// None is running.
    Absent,
    /// One is running, with this status.
    Running(Value),
    /// One is about to run, in this process.
    Starting(u32),
    /// One holds the lock and gives no answer.
    Silent(String),
}

pub(super) fn run(context: &Context, output: Output) -> CommandResult {
    // The server that runs, and the one that a restart would bring up, have the flags of the last start. Flags that cannot
    // be read are no reason to look at nothing.
    let started_with = start_flags::load(context).unwrap_or_default();
    let context = &Context::new(started_with.complete(&context.flags))?;
    let server = find_server(context);
    let mut findings = checks::data_directory(context);
    findings.push(checks::server(context, &server));
    let loaded = context.load();
    let config = loaded.as_ref().ok().map(|loaded| loaded.config.clone());
    match loaded {
        Ok(loaded) => {
            findings.push(checks::configuration(&loaded));
            findings.extend(network::port(&loaded.config, &server));
            findings.extend(network::tls(&loaded.config, context));
            findings.push(storage::database(&loaded.config, context, &server));
        }
        Err(failure) => findings.push(Finding::wrong(
            "configuration",
            failure.message(),
            "put right what is named; `docs/config.md` lists every key",
        )),
    }
    findings.extend(storage::space(context, config.as_ref()));
    findings.push(checks::clock(context));
    findings.extend(checks::stale_files(context, &server));

    let is_wrong = findings.iter().any(|finding| finding.verdict == Verdict::Wrong);
    print(&findings, is_wrong, output)?;
    Ok(if is_wrong { Exit::Failed } else { Exit::Done })
}

fn find_server(context: &Context) -> Server {
    let found = runtime::block_on(async {
        Ok(match running::find(&context.data_dir).await? {
            Presence::Absent => Server::Absent,
            Presence::Present(connection) => match connection.operator_status().await {
                Ok(status) => Server::Running(status),
                Err(error) => Server::Silent(format!("the running server gave no status: {error}")),
            },
            Presence::Starting(pid) => Server::Starting(pid),
            Presence::Silent => Server::Silent(running::silent(context).message()),
        })
    });
    found.unwrap_or_else(|failure| Server::Silent(failure.message()))
}

fn print(findings: &[Finding], is_wrong: bool, output: Output) -> std::io::Result<()> {
    for finding in findings {
        let word = output.paint(&format!("{:<6}", finding.verdict.name()), finding.verdict.colour());
        output.line(format_args!("{word}  {}: {}", finding.subject, finding.text))?;
        if let Some(advice) = &finding.advice {
            output.line(format_args!("        what to do: {advice}"))?;
        }
    }
    let checks: Vec<Value> = findings
        .iter()
        .map(|finding| {
            json!({
                "subject": finding.subject,
                "verdict": finding.verdict.name(),
                "finding": finding.text,
                "advice": finding.advice,
            })
        })
        .collect();
    output.object(&json!({"status": if is_wrong { "wrong" } else { "ok" }, "checks": checks}))
}
