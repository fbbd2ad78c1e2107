//! The parameters of each typed function.

/// The texts that a typed function requires, and what it takes besides.
pub(super) fn signature(method: &str) -> (&'static [&'static str], &'static [&'static str]) {
    match method {
        "auth" => (&["apiKey"], &["displayName"]),
        "agent.invite" => (&["displayName"], &[]),
        "agent.kick" | "agent.ban" => (&["agentId"], &["reason"]),
        "agent.revoke" | "agent.unban" => (&["agentId"], &[]),
        "room.create" => (&["name"], &["visibility", "description"]),
        "room.history" => (&["roomId"], &["limit", "before", "replyTo"]),
        "room.follow" => (&["roomId"], &["since"]),
        "message.followDirect" => (&[], &["since"]),
        "room.invite" => (&["roomId", "agentId"], &[]),
        "room.kick" => (&["roomId", "agentId"], &["reason"]),
        "room.visibility" => (&["roomId", "visibility"], &[]),
        "room.update" => (&["roomId"], &["name", "description"]),
        "room.join" | "room.leave" | "room.info" | "room.delete" | "room.takeOwnership" | "room.resume" => {
            (&["roomId"], &[])
        }
        "room.pause" => (&["roomId"], &["reason"]),
        "message.send" => (
            &["roomId", "content"],
            &["type", "data", "replyTo", "idempotencyKey", "wantRead"],
        ),
        "message.dm" => (
            &["toAgentId", "content"],
            &["type", "data", "replyTo", "idempotencyKey", "wantRead"],
        ),
        "message.remove" => (&["messageId"], &["reason"]),
        "message.search" => (&["query"], &["roomId", "senderId", "from", "to", "limit", "cursor"]),
        "message.status" => (&["messageId"], &[]),
        "room.markRead" => (&["roomId"], &["seq"]),
        "message.markReadDirect" => (&[], &["seq"]),
        "docs.get" => (&["name"], &[]),
        "docs.update" => (&["name", "content"], &["version"]),
        "lobby.setMotd" => (&[], &["content"]),
        "task.create" => (
            &["roomId", "title"],
            &["description", "data", "assignee", "idempotencyKey"],
        ),
        "task.claim" => (&["taskId"], &["leaseMs", "idempotencyKey"]),
        "task.renew" => (&["taskId"], &["generation", "leaseMs", "idempotencyKey"]),
        "task.update" => (&["taskId"], &["generation", "state", "note", "idempotencyKey"]),
        "task.complete" | "task.fail" => (&["taskId"], &["generation", "content", "data", "idempotencyKey"]),
        "task.cancel" => (&["taskId"], &["reason", "idempotencyKey"]),
        "task.get" => (&["taskId"], &[]),
        "task.list" => (&[], &["roomId", "state", "assignee", "limit", "cursor"]),
        "p2p.open" => (&["roomId", "permission"], &["expiresAt", "maxUses"]),
        "p2p.join" => (&["roomId", "p2pRoomId"], &["signalUrl", "permission", "expiresAt"]),
        "p2p.list" => (&[], &["roomId"]),
        "p2p.close" => (&["openingId"], &[]),
        "p2p.setPermission" => (&["openingId", "permission"], &[]),
        _ => (&[], &[]),
    }
}
