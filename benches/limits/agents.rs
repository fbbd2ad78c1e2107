//! Agents on a wardroom server: inviting them, bringing them in, making rooms.

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::load::{Clients, News};
use super::process::Process;
use super::wire::{self, Kind};

/// Requests that are on their way at one time.
const PIPELINE: usize = 200;

/// Connections that are opened at one time where haste is not what is measured.
const WAVE: usize = 250;

/// Invites agents: their keys.
pub fn invite(server: &Process, count: usize) -> anyhow::Result<Vec<String>> {
    let mut controller = enter(server, &[server.controller_key()?.to_owned()])?;
    let params = (0..count).map(|number| json!({ "displayName": format!("agent {number}") }));
    let calls = params.map(|params| (0, "agent.invite", params)).collect::<Vec<_>>();
    let answers = call(&mut controller, &calls)?;
    let key = |answer: &Value| Ok(answer["apiKey"].as_str().context("no key")?.to_owned());
    answers.iter().map(key).collect()
}

/// Brings agents in, one connection each and not all at once, and lets the news about it pass.
pub fn enter(server: &Process, keys: &[String]) -> anyhow::Result<Clients> {
    let mut clients = Clients::new(server.address())?;
    for wave in keys.chunks(WAVE) {
        come_in(&mut clients, wave)?;
    }
    clients.settle()?;
    Ok(clients)
}

/// Connects clients and authenticates them, all at once; ends when each is live.
pub fn come_in(clients: &mut Clients, keys: &[String]) -> anyhow::Result<()> {
    let first = clients.len();
    clients.connect(keys.len())?;
    let (mut live, mut open) = (0, Vec::new());
    while live < keys.len() {
        clients.turn(|client, news| {
            match news {
                News::Open => open.push(client),
                News::Text(text) => live += usize::from(is_done(text)?),
            }
            Ok(())
        })?;
        for client in open.drain(..) {
            clients.send(client, &wire::masked(&entry(&keys[client - first])))?;
        }
    }
    Ok(())
}

/// What an agent says first. One that was here before would say where it stopped reading.
fn entry(key: &str) -> String {
    wire::request(0, "auth", &json!({ "apiKey": key }))
}

/// True for an answer, false for an event.
pub fn is_done(text: &[u8]) -> anyhow::Result<bool> {
    match wire::kind(text)? {
        Kind::Result => Ok(true),
        Kind::Event => Ok(false),
        Kind::Error => bail!("a request was refused: {}", String::from_utf8_lossy(text)),
    }
}

/// Calls methods, many at one time: the results in the order of the calls.
pub fn call(clients: &mut Clients, calls: &[(usize, &str, Value)]) -> anyhow::Result<Vec<Value>> {
    let (mut results, mut answered) = (vec![Value::Null; calls.len()], 0);
    for (sent, (client, method, params)) in calls.iter().enumerate() {
        clients.send(*client, &wire::masked(&wire::request(sent, method, params)))?;
        while sent + 1 - answered >= PIPELINE || sent + 1 == calls.len() && answered < calls.len() {
            clients.turn(|_, news| {
                let News::Text(text) = news else { return Ok(()) };
                if is_done(text)? {
                    let mut answer: Value = serde_json::from_slice(text)?;
                    let id = answer["id"].as_u64().context("no id")?;
                    results[usize::try_from(id)?] = answer["result"].take();
                    answered += 1;
                }
                Ok(())
            })?;
        }
    }
    Ok(results)
}

/// Makes a room that the first client owns and all others join: its id.
pub fn common_room(clients: &mut Clients) -> anyhow::Result<String> {
    let room = own_rooms(clients, 1)?.remove(0);
    let params = json!({ "roomId": room });
    let calls: Vec<_> = (1..clients.len())
        .map(|client| (client, "room.join", params.clone()))
        .collect();
    if !calls.is_empty() {
        call(clients, &calls)?;
    }
    clients.settle()?;
    Ok(room)
}

/// Makes a room for each of the first `count` clients: their ids.
pub fn own_rooms(clients: &mut Clients, count: usize) -> anyhow::Result<Vec<String>> {
    let params = json!({ "name": "room" });
    let calls: Vec<_> = (0..count)
        .map(|client| (client, "room.create", params.clone()))
        .collect();
    let answers = call(clients, &calls)?;
    let id = |answer: &Value| Ok(answer["room"]["roomId"].as_str().context("no room")?.to_owned());
    let rooms = answers.iter().map(id).collect();
    clients.settle()?;
    rooms
}

/// The frame that says something in a room.
pub fn saying(room: &str, content: &str) -> Vec<u8> {
    let params = json!({ "roomId": room, "content": content });
    wire::masked(&wire::request(1, "message.send", &params))
}
