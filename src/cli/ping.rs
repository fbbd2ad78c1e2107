//! `ping`: whether direct links can be made from here, and what stands in their way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::agentlink::{self, RcFile};
use super::context::Context;
use super::exit::{CommandResult, Exit, Failure};
use super::output::{Colour, Output};
use super::runtime;
use crate::domain::Permission;
use crate::p2p::{IceServer, Intervals, Link, LinkEvent, LinkOptions, Mapped, Ways, mapped, ways};
use crate::runtime::clock::{SystemClock, SystemEntropy};
use crate::runtime::lifecycle::Lifecycle;

/// Time for each of the steps.
const PATIENCE: Duration = Duration::from_secs(5);

/// Say whether signaling, STUN, TURN and a data channel work from here, and what will not
#[derive(Debug, Args)]
pub(super) struct Ping {
    /// The signaling server, such as `ws://127.0.0.1:8765/signal/`
    url: String,
    /// STUN and TURN servers, with commas between them [default: `AGENTLINK_ICE_SERVERS`, `.agentlinkrc`, or link-agent's]
    #[arg(long, value_name = "SERVERS")]
    ice: Option<String>,
}

/// How one thing stands.
struct Finding {
    name: &'static str,
    state: State,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Works,
    Limits,
    Fails,
}

impl State {
    fn word(self) -> (&'static str, Colour) {
        match self {
            Self::Works => ("works", Colour::Green),
            Self::Limits => ("limits", Colour::Yellow),
            Self::Fails => ("fails", Colour::Red),
        }
    }
}

pub(super) fn run(arguments: &Ping, _context: &Context, output: Output) -> CommandResult {
    let servers = RcFile::read().ice(arguments.ice.as_deref())?;
    let runtime = runtime::multi_threaded()?;
    let findings = runtime.block_on(look(&arguments.url, servers));
    runtime.shutdown_background();
    report(&findings?, output)
}

fn report(findings: &[Finding], output: Output) -> CommandResult {
    let width = findings
        .iter()
        .map(|finding| finding.name.len())
        .max()
        .unwrap_or_default();
    for Finding { name, state, text } in findings {
        let (word, colour) = state.word();
        let padding = " ".repeat(6_usize.saturating_sub(word.len()));
        let word = output.paint(word, colour);
        output.line(format_args!("{word}{padding}  {name:width$}  {text}"))?;
    }
    let mut object = Map::new();
    // What a link needs by all means; the rest widens whom it reaches.
    let is_fine = findings.iter().all(|finding| finding.state != State::Fails);
    object.insert("status".to_owned(), json!(if is_fine { "ok" } else { "error" }));
    for Finding { name, state, text } in findings {
        let state = state.word().0;
        object.insert(name.replace(' ', "_"), json!({ "state": state, "text": text }));
    }
    output.object(&Value::Object(object))?;
    Ok(if is_fine { Exit::Done } else { Exit::Failed })
}

async fn look(url: &str, servers: Vec<IceServer>) -> Result<Vec<Finding>, Failure> {
    let lifecycle = Lifecycle::new();
    lifecycle.listen_for_signals()?;
    let mut findings = meet(url, &lifecycle).await;
    let answers = mapped(&servers, &SystemEntropy, PATIENCE).await;
    findings.push(about_translation(&answers));
    let relays = servers.iter().filter(|server| server.is_relay()).count();
    let found = ways(servers, &lifecycle, PATIENCE).await;
    findings.push(about_relays(relays, found.as_ref()));
    if let Ok(found) = &found {
        findings.push(Finding {
            name: "addresses",
            state: State::Works,
            text: found.own.join(", "),
        });
    }
    lifecycle.stop();
    drop(lifecycle.wait(PATIENCE, PATIENCE).await);
    Ok(findings)
}

/// Two links of this machine meet at the server.
async fn meet(url: &str, lifecycle: &Lifecycle) -> Vec<Finding> {
    let start = |room: Option<String>, name: &str| {
        let options = LinkOptions {
            room,
            permission: Permission::Chat,
            trust: agentlink::trust(),
            intervals: Intervals {
                signaling: PATIENCE,
                give_up_after: Some(0),
                ..Intervals::default()
            },
            ..LinkOptions::new(url, name)
        };
        Link::start(
            options,
            lifecycle,
            Arc::new(SystemClock::default()),
            Arc::new(SystemEntropy),
        )
    };
    let began = Instant::now();
    let (one, mut events) = start(None, "ping");
    let room = match first(&mut events, |event| match event {
        LinkEvent::Room { room_id } => Some(room_id),
        _ => None,
    })
    .await
    {
        Ok(room) => room,
        Err(problem) => {
            one.close().await;
            return vec![Finding {
                name: "signaling",
                state: State::Fails,
                text: problem,
            }];
        }
    };
    let signaling = Finding {
        name: "signaling",
        state: State::Works,
        text: format!("the server answered in {} ms", began.elapsed().as_millis()),
    };
    let began = Instant::now();
    let (two, mut others) = start(Some(room), "pong");
    // Read, so that the link does not wait for its reader.
    let connected = first(&mut others, |event| {
        matches!(event, LinkEvent::Connected { .. }).then_some(())
    })
    .await;
    let (state, text) = match connected {
        Ok(()) => (
            State::Works,
            format!(
                "two links of this machine connected in {} ms",
                began.elapsed().as_millis()
            ),
        ),
        Err(problem) => (
            State::Fails,
            format!("two links of this machine did not connect: {problem}; a firewall may block UDP"),
        ),
    };
    one.close().await;
    two.close().await;
    vec![
        signaling,
        Finding {
            name: "data channel",
            state,
            text,
        },
    ]
}

/// Waits for an event; the error is what the link told instead.
async fn first<T>(
    events: &mut mpsc::Receiver<LinkEvent>,
    wanted: impl Fn(LinkEvent) -> Option<T>,
) -> Result<T, String> {
    let waiting = async {
        let mut problem = "the link ended".to_owned();
        while let Some(event) = events.recv().await {
            if let LinkEvent::Error { message } = event {
                problem = message;
            } else if let Some(found) = wanted(event) {
                return Ok(found);
            }
        }
        Err(problem)
    };
    let found = timeout(2 * PATIENCE, waiting).await;
    found.unwrap_or_else(|_| Err(format!("nothing happened within {:?}", 2 * PATIENCE)))
}

fn about_translation(answers: &[Mapped]) -> Finding {
    let seen: Vec<SocketAddr> = answers.iter().filter_map(|answer| answer.seen.clone().ok()).collect();
    let (state, text) = match seen.as_slice() {
        [] if answers.is_empty() => (
            State::Limits,
            "no STUN server is configured: only agents in the same network can be reached".to_owned(),
        ),
        [] => {
            let problems: Vec<String> = answers
                .iter()
                .filter_map(|answer| Some(format!("{}: {}", answer.server, answer.seen.as_ref().err()?)))
                .collect();
            let problems = problems.join("; ");
            (
                State::Limits,
                format!("only agents in the same network can be reached ({problems})"),
            )
        }
        [one] => (
            State::Works,
            format!("seen as {one}; with a second STUN server more could be said of the network's translator"),
        ),
        [first, rest @ ..] => {
            let of_family: Vec<&SocketAddr> = rest.iter().filter(|other| other.is_ipv4() == first.is_ipv4()).collect();
            if of_family.iter().all(|other| *other == first) {
                (
                    State::Works,
                    format!("seen as {first} by every STUN server that answered"),
                )
            } else {
                (
                    State::Limits,
                    "every server sees another port: this network translates symmetrically, so agents behind another \
                     network of that kind need a TURN relay"
                        .to_owned(),
                )
            }
        }
    };
    Finding {
        name: "stun",
        state,
        text,
    }
}

fn about_relays(relays: usize, found: Result<&Ways, &String>) -> Finding {
    let (state, text) = match found {
        Err(problem) => (State::Fails, format!("WebRTC does not start here: {problem}")),
        Ok(found) if !found.relayed.is_empty() => (State::Works, format!("relayed at {}", found.relayed.join(", "))),
        Ok(_) if relays == 0 => (
            State::Limits,
            "no TURN relay is configured; one is needed where no direct path can be found".to_owned(),
        ),
        Ok(_) => (
            State::Limits,
            "no relay gave an address: its address, its credentials or a firewall may be wrong".to_owned(),
        ),
    };
    Finding {
        name: "turn",
        state,
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(places: &[Result<&str, &str>]) -> Finding {
        let answers: Vec<Mapped> = places
            .iter()
            .map(|place| Mapped {
                server: "stun:s:1".to_owned(),
                seen: place
                    .map(|place| place.parse().expect("an address"))
                    .map_err(str::to_owned),
            })
            .collect();
        about_translation(&answers)
    }

    #[test]
    fn a_symmetric_translator_is_told_by_its_ports() {
        for (places, state, word) in [
            (&[][..], State::Limits, "no STUN server"),
            (
                &[Err("no answer; UDP may be blocked")],
                State::Limits,
                "UDP may be blocked",
            ),
            (&[Ok("192.0.2.1:5"), Err("x")], State::Works, "second STUN server"),
            (
                &[Ok("192.0.2.1:5"), Ok("192.0.2.1:5")],
                State::Works,
                "seen as 192.0.2.1:5",
            ),
            (&[Ok("192.0.2.1:5"), Ok("[::1]:6")], State::Works, "seen as 192.0.2.1:5"),
            (&[Ok("192.0.2.1:5"), Ok("192.0.2.1:6")], State::Limits, "symmetrically"),
        ] {
            let finding = seen(places);
            assert!(
                finding.state == state && finding.text.contains(word),
                "{}",
                finding.text
            );
        }
    }
}
