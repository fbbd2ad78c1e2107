//! The situation of a call: a server with agents of every kind, and for each call a new room that they stand to.
//!
//! Secrets are planted in it: the facts of the private room, what is said there, and a direct message. Whatever a caller
//! is answered, and whatever anybody is told, is searched for those that it must not see.

use serde_json::{Value, json};
use wardroom::client::Connection;

use super::matrix::Kind;
use crate::support::{Agent, TestServer};

/// Part of everything said in a room that is private.
const SAID: &str = "CANARY-SAID";
/// Part of the name and the description of a room that is private.
const FACTS: &str = "CANARY-FACTS";
/// Part of a direct message of two agents that call nothing.
const WHISPER: &str = "CANARY-WHISPER";

/// A server and its agents.
pub(super) struct Stage {
    server: TestServer,
    controller: Agent,
    /// Owns rooms in which others stand, and says what is said there.
    host: Agent,
    caller: Agent,
    banned: String,
    revoked: String,
    /// The parties of a direct message.
    whisperers: [Agent; 2],
}

impl Stage {
    pub(super) async fn build() -> Self {
        let builder = TestServer::builder();
        let server = tokio::task::spawn_blocking(move || builder.start())
            .await
            .expect("the server starts");
        let controller = server.controller().await;
        let host = server.participant(&controller, "host").await;
        let caller = server.participant(&controller, "caller").await;
        let whisperers = [
            server.participant(&controller, "first").await,
            server.participant(&controller, "second").await,
        ];
        let mut keys = Vec::new();
        for act in ["agent.ban", "agent.revoke"] {
            let invited = controller
                .call("agent.invite", json!({ "displayName": "shut out" }))
                .await;
            controller.call(act, json!({ "agentId": invited["agentId"] })).await;
            keys.push(invited["apiKey"].as_str().expect("a key").to_owned());
        }
        let whisper = json!({ "toAgentId": whisperers[1].id(), "content": WHISPER });
        whisperers[0].call("message.dm", whisper).await;
        for agent in [&controller, &host, &caller, &whisperers[0], &whisperers[1]] {
            agent.told().await;
        }
        let [banned, revoked] = [keys[0].clone(), keys[1].clone()];
        Self {
            server,
            controller,
            host,
            caller,
            banned,
            revoked,
            whisperers,
        }
    }

    /// A new room, in which a caller of `kind` stands as it should.
    ///
    /// What everybody is told on the way there is searched too: to `problems` goes what nobody should have been told.
    pub(super) async fn scene(&self, kind: Kind, problems: &mut Vec<String>) -> Scene<'_> {
        let owns = matches!(kind, Kind::Owner | Kind::OwnerWhoLeft | Kind::FormerOwner);
        let owner = if owns { &self.caller } else { &self.host };
        let visibility = if kind == Kind::PublicOutsider {
            "public"
        } else {
            "private"
        };
        let secret = |text: &str| {
            if visibility == "public" {
                "open".to_owned()
            } else {
                text.to_owned()
            }
        };
        let room = json!({ "name": secret(FACTS), "description": secret(FACTS), "visibility": visibility });
        let room = owner.call("room.create", room).await["room"]["roomId"]
            .as_str()
            .expect("an id")
            .to_owned();
        let here = json!({ "roomId": room });
        let with = |agent: &str| json!({ "roomId": room, "agentId": agent });

        // Somebody whom a call can be about: in the room, and its message is there.
        let speaker = self.newcomer("speaker").await;
        owner.call("room.invite", with(speaker.id())).await;
        speaker.call("room.join", here.clone()).await;
        let message = speaker.say(&room, &secret(SAID)).await["messageId"]
            .as_str()
            .expect("an id")
            .to_owned();
        let mut tasks = Vec::new();
        for _ in 0..2 {
            let params = json!({ "roomId": room, "title": secret(SAID), "data": secret(SAID) });
            let task = speaker.call("task.create", params).await["taskId"].clone();
            tasks.push(task.as_str().expect("an id").to_owned());
        }
        speaker.call("task.claim", json!({ "taskId": tasks[1] })).await;
        let target = self.newcomer("target").await;

        let opening = json!({ "roomId": room, "permission": "helper" });
        let opening = self.controller.call("p2p.open", opening).await["openingId"].clone();
        let opening = opening.as_str().expect("an id").to_owned();

        match kind {
            Kind::Invited => {
                owner.call("room.invite", with(self.caller.id())).await;
            }
            Kind::Member | Kind::Removed => {
                owner.call("room.invite", with(self.caller.id())).await;
                self.caller.call("room.join", here.clone()).await;
                if kind == Kind::Removed {
                    owner.call("room.kick", with(self.caller.id())).await;
                }
            }
            Kind::OwnerWhoLeft => {
                self.caller.call("room.leave", here.clone()).await;
            }
            Kind::FormerOwner => {
                self.controller.call("room.takeOwnership", here.clone()).await;
            }
            _ => {}
        }
        let (connection, key) = match kind {
            Kind::Stranger => (Some(self.server.connect().await), self.controller.invite("spare").await),
            Kind::Banned => (Some(self.failed_entry(&self.banned, 4004).await), self.banned.clone()),
            Kind::Revoked => (Some(self.failed_entry(&self.revoked, 4002).await), self.revoked.clone()),
            Kind::Operator => (Some(self.server.operator().await), self.caller.key.clone()),
            _ => (None, self.caller.key.clone()),
        };
        let scene = Scene {
            stage: self,
            kind,
            connection,
            key,
            room,
            message,
            opening,
            held: tasks.pop().expect("two"),
            task: tasks.pop().expect("two"),
            speaker,
            target,
        };
        let mut told = scene.told().await;
        // These have been in the room, and are not any more.
        told.retain(|(name, _)| *name != "caller" || !matches!(kind, Kind::Removed | Kind::OwnerWhoLeft));
        scene.check_told(&told, problems);
        scene
    }

    async fn newcomer(&self, name: &str) -> Agent {
        let key = self.controller.invite(name).await;
        Agent::enter(&self.server, &key).await
    }

    /// A connection whose `auth` was refused.
    async fn failed_entry(&self, key: &str, code: i64) -> Connection {
        let connection = self.server.connect().await;
        let refused = crate::support::agent::call_error(&connection, "auth", json!({ "apiKey": key })).await;
        assert_eq!(refused, code);
        connection
    }
}

/// What one call is about.
pub(super) struct Scene<'a> {
    stage: &'a Stage,
    kind: Kind,
    /// The caller's, unless it is one of the agents of the stage.
    connection: Option<Connection>,
    /// What the caller would authenticate with.
    key: String,
    room: String,
    message: String,
    /// Offered by the speaker; nobody holds it.
    task: String,
    /// Offered by the speaker, who holds it.
    held: String,
    /// Of the room, to peers.
    opening: String,
    /// In the room; the message is its own.
    speaker: Agent,
    /// Not in the room.
    target: Agent,
}

impl Scene<'_> {
    /// The connection that calls.
    pub(super) fn caller(&self) -> &Connection {
        match (&self.connection, self.kind) {
            (Some(connection), _) => connection,
            (None, Kind::Controller) => &self.stage.controller.connection,
            (None, _) => &self.stage.caller.connection,
        }
    }

    /// Params with which `method` succeeds for those who may call it.
    pub(super) fn params(&self, method: &str) -> Value {
        let (room, target) = (&self.room, self.target.id());
        match method {
            "auth" => json!({ "apiKey": self.key }),
            "agent.invite" => json!({ "displayName": "new" }),
            "agent.revoke" | "agent.kick" | "agent.ban" | "agent.unban" => json!({ "agentId": target }),
            "agent.enrol" => json!({ "token": "wr_e_" }),
            "agent.createKey" => json!({ "keyName": "another" }),
            "agent.revokeKey" => json!({ "keyId": "00000000-0000-4000-8000-000000000000" }),
            "agent.rename" => json!({ "agentId": target, "displayName": "renamed" }),
            "room.create" => json!({ "name": "another" }),
            "room.join" | "room.leave" | "room.info" | "room.history" | "room.follow" | "room.delete"
            | "room.takeOwnership" | "room.resume" => {
                json!({ "roomId": room })
            }
            "room.invite" => json!({ "roomId": room, "agentId": target }),
            "room.kick" => json!({ "roomId": room, "agentId": self.speaker.id() }),
            "room.visibility" => json!({ "roomId": room, "visibility": "private" }),
            "room.update" => json!({ "roomId": room, "description": FACTS }),
            "room.pause" => json!({ "roomId": room, "reason": SAID }),
            "message.send" => json!({ "roomId": room, "content": SAID }),
            "message.dm" => json!({ "toAgentId": target, "content": "for you" }),
            "message.remove" => json!({ "messageId": self.message, "reason": SAID }),
            "message.search" => json!({ "roomId": room, "query": "canary" }),
            "message.status" => json!({ "messageId": self.message }),
            "message.markReadDirect" => json!({ "seq": 1 }),
            "room.markRead" => json!({ "roomId": room, "seq": 1 }),
            "task.create" => json!({ "roomId": room, "title": SAID }),
            "task.claim" | "task.cancel" | "task.get" => json!({ "taskId": self.task }),
            "task.renew" | "task.complete" | "task.fail" => json!({ "taskId": self.held, "generation": 1 }),
            "task.update" => json!({ "taskId": self.held, "generation": 1, "note": SAID }),
            "task.list" => json!({ "roomId": room }),
            "lobby.setMotd" => json!({ "content": "be kind" }),
            "docs.get" => json!({ "name": "constitution" }),
            "docs.update" => json!({ "name": "constitution", "content": "be kind" }),
            "p2p.open" => json!({ "roomId": room, "permission": "helper" }),
            "p2p.join" => json!({ "roomId": room, "p2pRoomId": room }),
            "p2p.list" => json!({ "roomId": room }),
            "p2p.close" => json!({ "openingId": self.opening }),
            "p2p.setPermission" => json!({ "openingId": self.opening, "permission": "chat" }),
            "operator.backup" => json!({ "path": self.stage.server.data_dir().with_extension(room) }),
            "operator.export" => json!({ "room": self.stage.controller.lobby() }),
            "operator.stop" => json!({ "restart": false }),
            _ => json!({}),
        }
    }

    /// Everybody who hears something, with what each may know of the private room: its facts, and what is said there.
    fn listeners(&self) -> Vec<(&'static str, &Agent, bool, bool)> {
        let of_caller = (self.knows_facts(), self.knows_said());
        vec![
            // The controller sees every room, and history too; it is shown messages live only as a member.
            ("controller", &self.stage.controller, true, true),
            ("host", &self.stage.host, true, true),
            ("caller", &self.stage.caller, of_caller.0, of_caller.1),
            ("speaker", &self.speaker, true, true),
            // May be invited by the call.
            ("target", &self.target, true, false),
            ("first", &self.stage.whisperers[0], false, false),
            ("second", &self.stage.whisperers[1], false, false),
        ]
    }

    /// Whether a caller of this kind may know the name and the description of the room.
    fn knows_facts(&self) -> bool {
        match self.kind {
            Kind::Invited | Kind::Member | Kind::Owner | Kind::OwnerWhoLeft | Kind::FormerOwner | Kind::Controller => {
                true
            }
            Kind::Stranger
            | Kind::Banned
            | Kind::Revoked
            | Kind::PublicOutsider
            | Kind::PrivateOutsider
            | Kind::Removed
            | Kind::Operator => false,
        }
    }

    /// Whether a caller of this kind may know what is said in the room.
    fn knows_said(&self) -> bool {
        matches!(
            self.kind,
            Kind::Member | Kind::Owner | Kind::FormerOwner | Kind::Controller
        )
    }

    /// Everything that anybody has been told since the last time: to whom, and what.
    pub(super) async fn told(&self) -> Vec<(&'static str, String)> {
        let mut told = Vec::new();
        for (name, agent, ..) in self.listeners() {
            let events = agent.told().await;
            told.extend(
                events
                    .into_iter()
                    .map(|(method, params)| (name, format!("{method} {params}"))),
            );
        }
        if let Some(connection) = &self.connection {
            while let Some(event) = connection.poll_event() {
                // Only one who has just authenticated is told anything, and that is who is there.
                if event.method != "presence" {
                    told.push(("newcomer", format!("{} {}", event.method, event.params)));
                }
            }
        }
        told
    }

    /// Looks for secrets in the answer to the call.
    pub(super) fn check_answer(&self, answer: &str, problems: &mut Vec<String>) {
        let mut forbidden = vec![WHISPER];
        if !self.knows_facts() {
            forbidden.extend([FACTS, &self.room]);
        }
        if !self.knows_said() {
            forbidden.push(SAID);
        }
        // A room that is public has no secrets.
        forbidden.retain(|secret| self.kind != Kind::PublicOutsider || *secret != self.room);
        let leaked = forbidden.into_iter().find(|secret| answer.contains(secret));
        problems.extend(leaked.map(|secret| format!("the answer to {:?} holds {secret}: {answer}", self.kind)));
    }

    /// Looks for secrets in what was told because of the call.
    pub(super) fn check_told(&self, told: &[(&'static str, String)], problems: &mut Vec<String>) {
        let listeners = self.listeners();
        for (name, event) in told {
            let listener = listeners.iter().find(|(known, ..)| known == name);
            let (facts, said) = listener.map_or((false, false), |(_, _, facts, said)| (*facts, *said));
            let names_the_room = self.kind != Kind::PublicOutsider && event.contains(&self.room);
            let leaked = event.contains(WHISPER)
                || (!facts && (event.contains(FACTS) || names_the_room))
                || (!said && event.contains(SAID));
            if leaked {
                problems.push(format!("`{name}` was told a secret after {:?}: {event}", self.kind));
            }
        }
    }
}
