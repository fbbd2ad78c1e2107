//! Two rooms, and keys that are good for one of them.

use serde_json::{Value, json};

use super::text;
use crate::support::server::TestServerBuilder;
use crate::support::{Agent, Cast, Raw, TestServer};
use crate::tasks::offer;

/// Alice on sessions with other keys of hers, in two rooms of her own. Bob is in them too, and each has a message and a task.
pub(super) struct Stage {
    pub cast: Cast,
    pub inside: String,
    pub outside: String,
    pub inside_task: String,
    pub outside_task: String,
    outside_opening: String,
}

impl Stage {
    pub async fn build() -> Self {
        Self::build_on(TestServer::builder()).await
    }

    pub async fn build_on(builder: TestServerBuilder) -> Self {
        let cast = Cast::gather_on(builder).await;
        let inside = cast.alice().create_room("inside", "private").await;
        let outside = cast.alice().create_room("outside", "private").await;
        for room in [&inside, &outside] {
            let bob = json!({ "roomId": room, "agentId": cast.bob().id() });
            cast.alice().call("room.invite", bob).await;
            cast.bob().call("room.join", json!({ "roomId": room })).await;
        }
        cast.alice().say(&inside, "said inside").await;
        cast.alice().say(&outside, "SECRET outside").await;
        let inside_task = offer(cast.alice(), &inside, "do inside").await;
        let outside_task = offer(cast.alice(), &outside, "SECRET").await;
        let opening = json!({ "roomId": outside, "permission": "chat" });
        let opening = cast.alice().call("p2p.open", opening).await;
        let outside_opening = text(&opening, "openingId").to_owned();
        let dm = json!({ "toAgentId": cast.alice().id(), "content": "SECRET whisper" });
        cast.bob().call("message.dm", dm).await;
        cast.settle().await;
        Self {
            cast,
            inside,
            outside,
            inside_task,
            outside_task,
            outside_opening,
        }
    }

    /// A session of Alice with a new key like this.
    pub async fn enter(&self, scope: Value) -> Agent {
        Agent::enter(&self.cast.server, &self.key(scope).await).await
    }

    /// A new key of Alice.
    pub async fn key(&self, scope: Value) -> String {
        let mut params = scope;
        params["keyName"] = json!("scoped");
        let made = self.cast.alice().call("agent.createKey", params).await;
        text(&made, "apiKey").to_owned()
    }

    /// Has Bob say things in both rooms by one frame, so that they are committed together: `count` inside.
    pub async fn talk_in_both(&self, count: usize) {
        let mut batch = Vec::new();
        for number in 0..count {
            for (room, content) in [(&self.inside, "said inside"), (&self.outside, "SECRET")] {
                // Now one by one, now several of the same room behind each other.
                for _ in 0..if room == &self.outside { number % 4 } else { 1 } {
                    let params = json!({ "roomId": room, "content": content });
                    batch.push(json!({ "jsonrpc": "2.0", "id": 1, "method": "message.send", "params": params }));
                }
            }
        }
        let answer = Raw(&self.cast.bob().connection)
            .ask(&Value::Array(batch).to_string())
            .await;
        let answers = answer.as_array().expect("an answer to a batch");
        assert!(answers.iter().all(|answer| answer["result"].is_object()), "{answer}");
    }

    /// Params with which Alice may call `method`.
    pub fn params(&self, method: &str, room: &str) -> Value {
        let bob = self.cast.bob().id();
        let task = if room == self.inside {
            &self.inside_task
        } else {
            &self.outside_task
        };
        match method {
            "auth" => json!({ "apiKey": self.cast.alice().key }),
            "agent.enrol" => json!({ "token": "x" }),
            "room.invite" | "room.kick" => json!({ "roomId": room, "agentId": bob }),
            "room.visibility" => json!({ "roomId": room, "visibility": "private" }),
            "room.update" => json!({ "roomId": room, "name": "again" }),
            "room.create" => json!({ "name": "new" }),
            "message.send" => json!({ "roomId": room, "content": "hello" }),
            "message.dm" => json!({ "toAgentId": bob, "content": "hello" }),
            "agent.rename" => json!({ "displayName": "alicia" }),
            "agent.createKey" => json!({ "keyName": "more" }),
            "agent.revokeKey" => json!({ "keyId": "00000000-0000-4000-8000-000000000000" }),
            "message.search" => json!({ "roomId": room, "query": "hello" }),
            // The message that opened the task.
            "message.status" | "message.remove" => json!({ "messageId": task }),
            "message.markReadDirect" => json!({ "seq": 0 }),
            "room.markRead" => json!({ "roomId": room, "seq": 1 }),
            "room.pause" => json!({ "roomId": room, "reason": "enough" }),
            "docs.get" => json!({ "name": "constitution" }),
            "task.create" => json!({ "roomId": room, "title": "new" }),
            "task.list" => json!({ "roomId": room }),
            "p2p.open" => json!({ "roomId": room, "permission": "chat" }),
            "p2p.join" => json!({ "roomId": room, "p2pRoomId": "elsewhere" }),
            "p2p.list" => json!({ "roomId": room }),
            "p2p.close" | "p2p.setPermission" => json!({ "openingId": self.outside_opening, "permission": "chat" }),
            "task.update" => json!({ "taskId": task, "generation": 1, "state": "working" }),
            _ if method.starts_with("task.") => json!({ "taskId": task, "generation": 1 }),
            _ => json!({ "roomId": room, "agentId": bob, "displayName": "x", "content": "x" }),
        }
    }
}
