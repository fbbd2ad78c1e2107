//! `lobby.*`.

use super::{checked, text};
use crate::domain::Refusal;
use crate::hub::acts::SetMotd;
use crate::protocol::methods::{LobbyGetMotd, LobbyGetMotdResult, LobbySetMotd, LobbySetMotdParams, NoParams};
use crate::protocol::types::{OK, Status};
use crate::rpc::table::{Call, Handler};

impl Handler for LobbySetMotd {
    async fn handle(call: Call<LobbySetMotdParams, Status>) {
        let Some(content) = call.params.content.clone() else {
            return call.reply.send(Err(Refusal::InvalidParams(
                "`content` must be there; null clears it".into(),
            )));
        };
        let content = content.filter(|content| !content.is_empty());
        if let Some(content) = &content {
            checked!(call, text("content", content, call.rpc.hub.limits().document_length));
        }
        call.submit(
            SetMotd {
                content: content.map(Into::into),
            },
            |()| OK,
        )
        .await;
    }
}

impl Handler for LobbyGetMotd {
    async fn handle(call: Call<NoParams, LobbyGetMotdResult>) {
        let motd = call.rpc.hub.directory().motd().map(str::to_owned);
        call.reply.send(Ok(LobbyGetMotdResult { motd }));
    }
}
