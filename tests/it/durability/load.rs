//! Agents that talk without waiting for answers, and two that change things, until the server is gone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use wardroom::client::{ClientError, Methods};

use super::ledger::Stream;
use super::registers::Registers;
use super::world::{Speaker, UNAVAILABLE, World};
use crate::support::{Agent, soon};

/// Requests of one connection that wait for their answers.
const WINDOW: usize = 48;

/// "The caller is not a member of the room."
const NOT_A_MEMBER: i64 = 4011;

/// Agents at work.
pub(super) struct Load {
    tasks: JoinSet<()>,
    acknowledged: watch::Receiver<u64>,
    enough: Arc<AtomicBool>,
}

impl Load {
    /// Lets three agents talk, one come and go, and the controller govern.
    pub(super) async fn start(world: &World, cycle: u64) -> Self {
        let (count, acknowledged) = watch::channel(0);
        let (count, enough) = (Arc::new(count), Arc::new(AtomicBool::new(false)));
        let mut tasks = JoinSet::new();
        let mut speakers = Vec::new();
        for name in ["alice", "bob", "carol"] {
            speakers.push(Arc::new(world.enter(name).await));
        }
        for (index, speaker) in speakers.iter().enumerate() {
            let to = speakers[(index + 1) % speakers.len()].agent.id().to_owned();
            let talk = Arc::new(Talk {
                speaker: Arc::clone(speaker),
                room: world.room.clone(),
                to,
                window: Semaphore::new(WINDOW),
                on_the_way: Mutex::default(),
                acknowledged: Arc::clone(&count),
                enough: Arc::clone(&enough),
            });
            tasks.spawn(Arc::clone(&talk).send());
            tasks.spawn(Arc::clone(&talk).hear_answers());
            tasks.spawn(talk.hear_events());
        }
        let controller = Agent::enter(&world.server, world.key("controller")).await;
        let dave = Agent::enter(&world.server, world.key("dave")).await;
        let registers = || Arc::clone(&world.registers);
        let govern = Changes::new(controller, registers(), &enough);
        tasks.spawn(govern.govern(world.side.clone(), cycle));
        let wander = Changes::new(dave, registers(), &enough);
        tasks.spawn(wander.come_and_go(world.side.clone()));
        Self {
            tasks,
            acknowledged,
            enough,
        }
    }

    /// Waits until so many messages are acknowledged.
    pub(super) async fn reach(&self, target: u64) {
        let mut acknowledged = self.acknowledged.clone();
        let reached = acknowledged.wait_for(|count| *count >= target);
        soon("acknowledgements", reached).await.expect("the load goes on");
    }

    /// How many messages are acknowledged.
    pub(super) fn acknowledged(&self) -> u64 {
        *self.acknowledged.borrow()
    }

    /// Lets every agent finish what it has begun. The server must go on.
    pub(super) async fn finish(self) -> u64 {
        self.enough.store(true, Ordering::Relaxed);
        self.end().await
    }

    /// Waits until all agents have noticed that the server is gone, and noted everything that it said before. How many
    /// messages were acknowledged.
    pub(super) async fn end(mut self) -> u64 {
        while let Some(ended) = soon("the agents' end", self.tasks.join_next()).await {
            if let Err(failure) = ended {
                std::panic::resume_unwind(failure.into_panic());
            }
        }
        *self.acknowledged.borrow()
    }
}

struct Talk {
    speaker: Arc<Speaker>,
    room: String,
    /// The id of the agent who gets the direct messages.
    to: String,
    window: Semaphore,
    /// Contents by the id of their request.
    on_the_way: Mutex<HashMap<u64, String>>,
    acknowledged: Arc<watch::Sender<u64>>,
    enough: Arc<AtomicBool>,
}

impl Talk {
    async fn send(self: Arc<Self>) {
        for id in 1_u64.. {
            // Closed when the server is gone.
            let Ok(place) = self.window.acquire().await else { return };
            place.forget();
            if self.enough.load(Ordering::Relaxed) {
                // A question that is no message: its answer is the last one.
                let last = json!({ "jsonrpc": "2.0", "id": 0, "method": "lobby.getMotd" }).to_string();
                drop(self.speaker.agent.connection.send_text(last).await);
                return;
            }
            let stream = if id % 4 == 0 {
                Stream::Direct(self.to.clone())
            } else {
                Stream::Room(self.room.clone())
            };
            let filler = usize::try_from(id * id % 700).expect("a small number");
            let (method, params, content) = self.speaker.compose(stream, filler);
            self.on_the_way.lock().expect("not poisoned").insert(id, content);
            let text = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string();
            if self.speaker.agent.connection.send_text(text).await.is_err() {
                return;
            }
        }
    }

    async fn hear_answers(self: Arc<Self>) {
        while let Some(frame) = self.speaker.agent.connection.next_frame().await {
            let answer: Value = serde_json::from_str(&frame).expect("JSON");
            let id = answer["id"].as_u64().expect("our id");
            if id == 0 {
                // Ends the one who hears events, too.
                self.speaker.agent.connection.close(1000, "").await;
                break;
            }
            let content = self.on_the_way.lock().expect("not poisoned").remove(&id);
            let content = content.expect("one answer for each request");
            if let Some(receipt) = answer.get("result") {
                self.speaker.ledger.acknowledged(&content, receipt);
                self.acknowledged.send_modify(|count| *count += 1);
            } else {
                let code = answer["error"]["code"].as_i64().expect("a code");
                // 4092: the server is about to stop and has not even looked at it.
                assert!([UNAVAILABLE, 4092].contains(&code), "{answer}");
                self.speaker.ledger.refused(&content);
            }
            self.window.add_permits(1);
        }
        self.window.close();
    }

    async fn hear_events(self: Arc<Self>) {
        let mut last = 0;
        while let Some(event) = self.speaker.agent.connection.next_event().await {
            if event.method == "message" {
                let seq = event.params["message"]["seq"].as_u64().expect("a position");
                assert!(seq > last, "shown out of order: {:?}", event.params);
                last = seq;
            }
            if event.method == "message" || event.method == "dm" {
                self.speaker.ledger.shown(&event.params);
            }
        }
    }
}

/// One agent that changes things, one after the other.
struct Changes {
    agent: Agent,
    registers: Arc<Registers>,
    enough: Arc<AtomicBool>,
}

impl Changes {
    fn new(agent: Agent, registers: Arc<Registers>, enough: &Arc<AtomicBool>) -> Self {
        Self {
            agent,
            registers,
            enough: Arc::clone(enough),
        }
    }

    async fn govern(self, side: String, cycle: u64) {
        for number in 1_u64.. {
            let value = format!("{cycle}.{number}");
            let room = format!("room {value}");
            let motd = json!({ "content": value });
            let description = json!({ "roomId": side, "description": value });
            self.change("motd", &value, "lobby.setMotd", motd).await;
            self.change("description", &value, "room.update", description).await;
            let invitation = json!({ "displayName": value });
            self.change(&format!("agent {value}"), "present", "agent.invite", invitation)
                .await;
            let made = self
                .change(&room, "present", "room.create", json!({ "name": value }))
                .await;
            if let Some(id) = made.and_then(|made| made["room"]["roomId"].as_str().map(str::to_owned)) {
                self.change(&room, "absent", "room.delete", json!({ "roomId": id }))
                    .await;
            }
            if self.over() {
                return;
            }
        }
    }

    async fn come_and_go(self, side: String) {
        let params = json!({ "roomId": side });
        // Where it is after the cycles before is not known: the first step may find that there is nothing to do.
        self.registers.attempt("dave", "absent");
        match soon("room.leave", self.agent.connection.call("room.leave", params.clone())).await {
            Ok(_) => self.registers.acknowledge("dave"),
            Err(error) if error.code() == Some(NOT_A_MEMBER) => self.registers.acknowledge("dave"),
            Err(_) => return,
        }
        let mut present = false;
        while !self.over() {
            let (method, value) = if present {
                ("room.leave", "absent")
            } else {
                ("room.join", "present")
            };
            // What was refused is asked for again.
            if self.change("dave", value, method, params.clone()).await.is_some() {
                present = !present;
            }
        }
    }

    /// Asks for a change and notes what becomes of it. `None` when it was not acknowledged.
    async fn change(&self, name: &str, value: &str, method: &str, params: Value) -> Option<Value> {
        if self.agent.connection.end().is_some() {
            return None;
        }
        self.registers.attempt(name, value);
        match soon(method, self.agent.connection.call(method, params)).await {
            Ok(result) => {
                self.registers.acknowledge(name);
                Some(result)
            }
            Err(ClientError::Rpc(error)) => {
                assert!([UNAVAILABLE, 4092].contains(&error.code), "`{method}`: {error}");
                self.registers.refuse(name);
                None
            }
            Err(ClientError::Closed(_)) => None,
            Err(error) => panic!("`{method}` was not answered: {error}"),
        }
    }

    fn over(&self) -> bool {
        self.enough.load(Ordering::Relaxed) || self.agent.connection.end().is_some()
    }
}
