//! One function for every method of the protocol.

use std::future::Future;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::ClientError;
use super::positions::{FollowResult, Position};
use super::results::{
    AgentEntry, Authenticated, Document, DocumentEntry, HistoryPage, InvitedAgent, Message, Receipt, Room,
    RoomWithMembers, SendOptions,
};

/// Anything that calls methods of a server. Every function but [`Methods::call`] is named after the method it calls.
///
/// Each fails with [`ClientError::Rpc`] when the server refuses, and with [`ClientError::Closed`] or
/// [`ClientError::Timeout`] when it is not known whether the call had an effect; `message.send`, `message.dm` and changes of
/// tasks are safe to repeat after those with the same idempotency key.
pub trait Methods: Sync {
    /// Calls `method` and gives its result.
    fn call(&self, method: &str, params: Value) -> impl Future<Output = Result<Value, ClientError>> + Send;

    /// The same for a call that may be repeated under an `idempotencyKey`, which [`super::Client`] does by itself.
    fn call_keyed(&self, method: &str, params: Value) -> impl Future<Output = Result<Value, ClientError>> + Send {
        self.call(method, params)
    }

    /// `auth`: says who this connection belongs to. [`super::Client`] does it by itself.
    fn authenticate(
        &self,
        api_key: &str,
        display_name: Option<&str>,
    ) -> impl Future<Output = Result<Authenticated, ClientError>> + Send {
        let mut params = json!({"apiKey": api_key});
        set(&mut params, "displayName", display_name);
        typed(self, "auth", params, None)
    }

    /// `agent.invite`: makes an agent and its key.
    fn invite_agent(&self, display_name: &str) -> impl Future<Output = Result<InvitedAgent, ClientError>> + Send {
        typed(self, "agent.invite", json!({"displayName": display_name}), None)
    }

    /// `agent.revoke`: ends an agent for good; its messages stay.
    fn revoke_agent(&self, agent_id: &str) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(self, "agent.revoke", json!({"agentId": agent_id}))
    }

    /// `agent.list`: every agent there is.
    fn list_agents(&self) -> impl Future<Output = Result<Vec<AgentEntry>, ClientError>> + Send {
        typed(self, "agent.list", json!({}), Some("agents"))
    }

    /// `agent.kick`: cuts an agent's connections; it may come back.
    fn kick_agent(&self, agent_id: &str, reason: Option<&str>) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(self, "agent.kick", with_reason(json!({"agentId": agent_id}), reason))
    }

    /// `agent.ban`: cuts an agent's connections and keeps it out.
    fn ban_agent(&self, agent_id: &str, reason: Option<&str>) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(self, "agent.ban", with_reason(json!({"agentId": agent_id}), reason))
    }

    /// `agent.unban`: lets an agent in again.
    fn unban_agent(&self, agent_id: &str) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(self, "agent.unban", json!({"agentId": agent_id}))
    }

    /// `room.create`: makes a room owned by the caller. `visibility` is `public` or `private`; none: public.
    fn create_room(
        &self,
        name: &str,
        visibility: Option<&str>,
        description: Option<&str>,
    ) -> impl Future<Output = Result<Room, ClientError>> + Send {
        let mut params = json!({"name": name});
        set(&mut params, "visibility", visibility);
        set(&mut params, "description", description);
        typed(self, "room.create", params, Some("room"))
    }

    /// `room.list`: every room that the caller may know of.
    fn list_rooms(&self) -> impl Future<Output = Result<Vec<Room>, ClientError>> + Send {
        typed(self, "room.list", json!({}), Some("rooms"))
    }

    /// `room.join`.
    fn join_room(&self, room_id: &str) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(self, "room.join", json!({"roomId": room_id}))
    }

    /// `room.leave`.
    fn leave_room(&self, room_id: &str) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(self, "room.leave", json!({"roomId": room_id}))
    }

    /// `room.info`: the room and its members.
    fn room_info(&self, room_id: &str) -> impl Future<Output = Result<RoomWithMembers, ClientError>> + Send {
        typed(self, "room.info", json!({"roomId": room_id}), None)
    }

    /// `room.history`: the newest `limit` messages before the time `before` (milliseconds since 1970), oldest first.
    fn room_history(
        &self,
        room_id: &str,
        limit: Option<u32>,
        before: Option<i64>,
    ) -> impl Future<Output = Result<Vec<Message>, ClientError>> + Send {
        let page = self.room_history_page(room_id, limit, before);
        async { Ok(page.await?.messages) }
    }

    /// `room.history` with what it says besides: whether the page was cut short because of its size in bytes.
    fn room_history_page(
        &self,
        room_id: &str,
        limit: Option<u32>,
        before: Option<i64>,
    ) -> impl Future<Output = Result<HistoryPage, ClientError>> + Send {
        let mut params = json!({"roomId": room_id});
        set(&mut params, "limit", limit);
        set(&mut params, "before", before);
        typed(self, "room.history", params, None)
    }

    /// `room.history` of the direct replies to one message, as [`Methods::room_history_page`].
    fn replies(
        &self,
        room_id: &str,
        message_id: &str,
        limit: Option<u32>,
        before: Option<i64>,
    ) -> impl Future<Output = Result<HistoryPage, ClientError>> + Send {
        let mut params = json!({"roomId": room_id, "replyTo": message_id});
        set(&mut params, "limit", limit);
        set(&mut params, "before", before);
        typed(self, "room.history", params, None)
    }

    /// `room.history` by position: the newest messages below `before_seq`.
    fn room_history_before(
        &self,
        room_id: &str,
        limit: Option<u32>,
        before_seq: u64,
    ) -> impl Future<Output = Result<HistoryPage, ClientError>> + Send {
        let mut params = json!({"roomId": room_id, "beforeSeq": before_seq});
        set(&mut params, "limit", limit);
        typed(self, "room.history", params, None)
    }

    /// `room.history` by position: the oldest messages above `after_seq`.
    fn room_history_after(
        &self,
        room_id: &str,
        limit: Option<u32>,
        after_seq: u64,
    ) -> impl Future<Output = Result<HistoryPage, ClientError>> + Send {
        let mut params = json!({"roomId": room_id, "afterSeq": after_seq});
        set(&mut params, "limit", limit);
        typed(self, "room.history", params, None)
    }

    /// `room.follow`: has events show everything of a room after `since`, or from now on, the caller's own messages
    /// included. A [`super::Client`] keeps them complete across lost connections.
    fn follow_room(
        &self,
        room_id: &str,
        since: Option<&Position>,
    ) -> impl Future<Output = Result<FollowResult, ClientError>> + Send {
        let mut params = json!({"roomId": room_id});
        set(&mut params, "since", since.map(|since| json!(since)));
        typed(self, "room.follow", params, None)
    }

    /// `message.followDirect`: the same for direct messages.
    fn follow_direct(
        &self,
        since: Option<&Position>,
    ) -> impl Future<Output = Result<FollowResult, ClientError>> + Send {
        let mut params = json!({});
        set(&mut params, "since", since.map(|since| json!(since)));
        typed(self, "message.followDirect", params, None)
    }

    /// `room.invite`.
    fn invite_to_room(&self, room_id: &str, agent_id: &str) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(self, "room.invite", json!({"roomId": room_id, "agentId": agent_id}))
    }

    /// `room.kick`.
    fn kick_from_room(
        &self,
        room_id: &str,
        agent_id: &str,
        reason: Option<&str>,
    ) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(
            self,
            "room.kick",
            with_reason(json!({"roomId": room_id, "agentId": agent_id}), reason),
        )
    }

    /// `room.visibility`: `public` or `private`.
    fn set_room_visibility(
        &self,
        room_id: &str,
        visibility: &str,
    ) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(
            self,
            "room.visibility",
            json!({"roomId": room_id, "visibility": visibility}),
        )
    }

    /// `room.update`: gives a room another name or description; what is none stays, an empty description clears it.
    fn update_room(
        &self,
        room_id: &str,
        name: Option<&str>,
        description: Option<&str>,
    ) -> impl Future<Output = Result<(), ClientError>> + Send {
        let mut params = json!({"roomId": room_id});
        set(&mut params, "name", name);
        set(&mut params, "description", description);
        done(self, "room.update", params)
    }

    /// `room.delete`.
    fn delete_room(&self, room_id: &str) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(self, "room.delete", json!({"roomId": room_id}))
    }

    /// `room.takeOwnership`.
    fn take_ownership(&self, room_id: &str) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(self, "room.takeOwnership", json!({"roomId": room_id}))
    }

    /// `room.pause`: nobody may speak in it until it is resumed.
    fn pause_room(&self, room_id: &str, reason: Option<&str>) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(self, "room.pause", with_reason(json!({"roomId": room_id}), reason))
    }

    /// `room.resume`.
    fn resume_room(&self, room_id: &str) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(self, "room.resume", json!({"roomId": room_id}))
    }

    /// `message.send`: the message is on disk when this returns.
    fn send_message(&self, room_id: &str, content: &str) -> impl Future<Output = Result<Receipt, ClientError>> + Send {
        keyed(self, "message.send", json!({"roomId": room_id, "content": content}))
    }

    /// `message.send` that may be repeated: the same key with the same content gives the first receipt again.
    fn send_message_once(
        &self,
        room_id: &str,
        content: &str,
        idempotency_key: &str,
    ) -> impl Future<Output = Result<Receipt, ClientError>> + Send {
        let params = json!({"roomId": room_id, "content": content, "idempotencyKey": idempotency_key});
        keyed(self, "message.send", params)
    }

    /// `message.send` of a message that carries more than text.
    fn send(
        &self,
        room_id: &str,
        content: &str,
        options: SendOptions<'_>,
    ) -> impl Future<Output = Result<Receipt, ClientError>> + Send {
        let params = with_options(json!({"roomId": room_id, "content": content}), options);
        keyed(self, "message.send", params)
    }

    /// `message.dm` of a message that carries more than text.
    fn send_direct(
        &self,
        to_agent_id: &str,
        content: &str,
        options: SendOptions<'_>,
    ) -> impl Future<Output = Result<Receipt, ClientError>> + Send {
        let params = with_options(json!({"toAgentId": to_agent_id, "content": content}), options);
        keyed(self, "message.dm", params)
    }

    /// `message.dm`: a message that only the two parties ever see.
    fn send_dm(&self, to_agent_id: &str, content: &str) -> impl Future<Output = Result<Receipt, ClientError>> + Send {
        keyed(
            self,
            "message.dm",
            json!({"toAgentId": to_agent_id, "content": content}),
        )
    }

    /// `message.dm` that may be repeated, as [`Methods::send_message_once`].
    fn send_dm_once(
        &self,
        to_agent_id: &str,
        content: &str,
        idempotency_key: &str,
    ) -> impl Future<Output = Result<Receipt, ClientError>> + Send {
        let params = json!({"toAgentId": to_agent_id, "content": content, "idempotencyKey": idempotency_key});
        keyed(self, "message.dm", params)
    }

    /// `message.remove`: takes a message's content away for everybody.
    fn remove_message(
        &self,
        message_id: &str,
        reason: Option<&str>,
    ) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(
            self,
            "message.remove",
            with_reason(json!({"messageId": message_id}), reason),
        )
    }

    /// `lobby.setMotd`: sets the message of the day; none clears it.
    fn set_motd(&self, content: Option<&str>) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(self, "lobby.setMotd", json!({"content": content}))
    }

    /// `lobby.getMotd`.
    fn get_motd(&self) -> impl Future<Output = Result<Option<String>, ClientError>> + Send {
        typed(self, "lobby.getMotd", json!({}), Some("motd"))
    }

    /// `rpc.discover`: the server's own description of its methods, an OpenRPC document.
    fn discover(&self) -> impl Future<Output = Result<Value, ClientError>> + Send {
        self.call("rpc.discover", json!({}))
    }

    /// `docs.list`.
    fn list_docs(&self) -> impl Future<Output = Result<Vec<DocumentEntry>, ClientError>> + Send {
        typed(self, "docs.list", json!({}), Some("docs"))
    }

    /// `docs.get`.
    fn get_doc(&self, name: &str) -> impl Future<Output = Result<Document, ClientError>> + Send {
        typed(self, "docs.get", json!({"name": name}), None)
    }

    /// `docs.update`: replaces a document's text; without a version the present one is counted up.
    fn update_doc(
        &self,
        name: &str,
        content: &str,
        version: Option<Value>,
    ) -> impl Future<Output = Result<(), ClientError>> + Send {
        let mut params = json!({"name": name, "content": content});
        set(&mut params, "version", version);
        done(self, "docs.update", params)
    }

    /// `operator.status`, on the operator's socket only, as are those below.
    fn operator_status(&self) -> impl Future<Output = Result<Value, ClientError>> + Send {
        self.call("operator.status", json!({}))
    }

    /// `operator.stop`: begins an orderly end of the server; with `restart`, agents are told that it comes back.
    fn operator_stop(&self, restart: bool) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(self, "operator.stop", json!({"restart": restart}))
    }

    /// `operator.lock`: refuses participants who connect from now on.
    fn operator_lock(&self) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(self, "operator.lock", json!({}))
    }

    /// `operator.unlock`: admits participants again.
    fn operator_unlock(&self) -> impl Future<Output = Result<(), ClientError>> + Send {
        done(self, "operator.unlock", json!({}))
    }

    /// `operator.kick`: disconnects every agent but the controller and gives the number of connections cut.
    fn operator_kick(&self) -> impl Future<Output = Result<u64, ClientError>> + Send {
        typed(self, "operator.kick", json!({}), Some("disconnected"))
    }

    /// `operator.backup`: copies everything into the file `path` on the server's machine; with `force`, in the place of an
    /// earlier backup.
    fn operator_backup(&self, path: &str, force: bool) -> impl Future<Output = Result<Value, ClientError>> + Send {
        self.call("operator.backup", json!({"path": path, "force": force}))
    }

    /// `operator.export`: the record of a room above a position, page by page.
    fn operator_export(&self, room: &str, after_seq: u64) -> impl Future<Output = Result<Value, ClientError>> + Send {
        self.call("operator.export", json!({"room": room, "afterSeq": after_seq}))
    }
}

/// Calls a method whose result says no more than that it is done.
pub(super) async fn done<M: Methods + ?Sized>(
    methods: &M,
    method: &'static str,
    params: Value,
) -> Result<(), ClientError> {
    methods.call(method, params).await.map(drop)
}

/// Calls a method and reads its result, or one member of it.
pub(super) async fn typed<M, T>(
    methods: &M,
    method: &'static str,
    params: Value,
    member: Option<&'static str>,
) -> Result<T, ClientError>
where
    M: Methods + ?Sized,
    T: DeserializeOwned,
{
    let mut result = methods.call(method, params).await?;
    let part = match member {
        Some(member) => result
            .get_mut(member)
            .map(Value::take)
            .ok_or_else(|| not_understood(method, format!("it has no `{member}`")))?,
        None => result,
    };
    serde_json::from_value(part).map_err(|error| not_understood(method, error.to_string()))
}

/// Calls a method that may be repeated and reads its result.
pub(super) async fn keyed<M, T>(methods: &M, method: &'static str, params: Value) -> Result<T, ClientError>
where
    M: Methods + ?Sized,
    T: DeserializeOwned,
{
    let result = methods.call_keyed(method, params).await?;
    serde_json::from_value(result).map_err(|error| not_understood(method, error.to_string()))
}

fn not_understood(method: &str, problem: String) -> ClientError {
    let method = method.to_owned();
    ClientError::Answer { method, problem }
}

fn with_options(mut params: Value, options: SendOptions<'_>) -> Value {
    set(&mut params, "type", options.kind);
    set(&mut params, "data", options.data);
    set(&mut params, "replyTo", options.reply_to);
    set(&mut params, "idempotencyKey", options.idempotency_key);
    set(&mut params, "wantRead", options.want_read.then_some(true));
    params
}

fn with_reason(mut params: Value, reason: Option<&str>) -> Value {
    set(&mut params, "reason", reason);
    params
}

/// Adds a parameter that may be left out.
pub(super) fn set(params: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let (Some(value), Some(params)) = (value, params.as_object_mut()) {
        params.insert(name.to_owned(), value.into());
    }
}
