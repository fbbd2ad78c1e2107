//! `message.search`.

use super::{checked, page};
use crate::domain::{AgentId, MessageId, Refusal, RoomId, SearchText};
use crate::hub::{AgentParam, RoomParam, SearchQuery};
use crate::protocol::methods::{FoundObject, MessageSearch, MessageSearchParams, MessageSearchResult};
use crate::rpc::table::{Call, Handler};

impl Handler for MessageSearch {
    async fn handle(call: Call<MessageSearchParams, MessageSearchResult>) {
        let query = checked!(call, query(&call.params));
        let page = call.rpc.hub.search(call.caller, query).await;
        call.reply.send(page.map(|page| {
            MessageSearchResult {
                found: page
                    .found
                    .into_iter()
                    .map(|entry| FoundObject {
                        room_id: entry.room.to_string(),
                        message: entry.into(),
                    })
                    .collect(),
                next_cursor: page.next.map(|id| id.to_string()),
                incomplete: page.incomplete,
            }
        }));
    }
}

fn query(params: &MessageSearchParams) -> Result<SearchQuery, Refusal> {
    let text =
        SearchText::parse(&params.query).map_err(|problem| Refusal::InvalidParams(format!("`query` {problem}")))?;
    Ok(SearchQuery {
        text,
        room: params.room_id.as_deref().map(|id| RoomParam(RoomId::parse(id))),
        sender: params.sender_id.as_deref().map(|id| AgentParam(AgentId::parse(id))),
        from_ms: params.from,
        to_ms: params.to,
        limit: page(params.limit)?,
        after: params.cursor.as_deref().map(cursor).transpose()?,
    })
}

/// A cursor is the id of the last message before the page.
fn cursor(text: &str) -> Result<MessageId, Refusal> {
    MessageId::parse(text)
        .ok_or_else(|| Refusal::InvalidParams("`cursor` is none that `message.search` has given".into()))
}
