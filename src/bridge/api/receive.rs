//! `GET /recv`: what has come, at once or as soon as something comes.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Bytes;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Api;
use super::answers::{self, Answered};
use super::body::Answer;
use super::query::whole_number;
use super::receipt::Receipts;
use super::routes::{bad_agent_id, is_agent_id};
use crate::bridge::mailboxes::{Lease, News};
use crate::bridge::rooms::{Room, Rooms};
use crate::bridge::store::Unavailable;

/// The longest wait, in seconds.
const LONGEST_WAIT: i64 = 120;

/// Messages of one part of a whole history.
const PAGE: usize = 500;

pub(super) async fn answer(
    api: &Api,
    receipts: &Receipts,
    room: Option<&str>,
    asked: &BTreeMap<String, String>,
) -> Result<Answered, Unavailable> {
    let agent = asked.get("agent").map(String::as_str).filter(|agent| !agent.is_empty());
    if agent.is_some_and(|agent| !is_agent_id(agent)) {
        return Ok(bad_agent_id());
    }
    let Some(room) = api.rooms.find(room) else {
        return Ok(answers::ok(&[(); 0]));
    };
    if asked.get("all").is_some_and(|all| all == "1") {
        return Ok(history(api, room));
    }
    let agent = match agent {
        None => 0,
        Some(agent) => match api.rooms.register(&room, agent).await? {
            Some(number) => number,
            None => return Ok(answers::error(StatusCode::CONFLICT, "Too many agents in this room")),
        },
    };
    let number = |name: &str| asked.get(name).and_then(|text| whole_number(text)).unwrap_or(0);
    let limit = usize::try_from(number("limit")).unwrap_or(0);
    let wait = match number("wait") {
        ..=0 => None,
        seconds => Some(Duration::from_secs(seconds.min(LONGEST_WAIT).unsigned_abs())),
    };
    let (texts, lease) = take(api, &room, agent, limit, wait).await?;
    Ok(match lease {
        None => answers::ok(&[(); 0]),
        Some(lease) => answers::respond(
            StatusCode::OK,
            Answer::holding(format!("[{}]", texts.join(",")), lease, receipts.clone()),
        ),
    })
}

/// What waits in a queue; if there is nothing, what comes first within the time.
async fn take(
    api: &Api,
    room: &Room,
    agent: i64,
    limit: usize,
    wait: Option<Duration>,
) -> Result<(Vec<String>, Option<Lease>), Unavailable> {
    let until = wait.map(|wait| Instant::now() + wait);
    let stop = api.lifecycle.soft_stop();
    loop {
        // Before looking, so that nothing comes in between unseen.
        let news = until.map(|_| api.rooms.mailboxes().wait(room.key(agent)));
        let (mut texts, mut lease) = api.rooms.take(room, agent, limit).await?;
        let (Some(until), Some(mut news)) = (until, news) else {
            return Ok((texts, Some(lease)));
        };
        if !texts.is_empty() {
            // What came between the two looks is ours already: left behind, it would come after later ones.
            if let Ok(News::Message(text, came)) = news.try_recv()
                && let Some(at) = lease.insert(came)
            {
                texts.insert(at, text.as_ref().to_owned());
                if limit > 0 && texts.len() > limit {
                    texts.pop();
                    lease.give_back_last();
                }
            }
            return Ok((texts, Some(lease)));
        }
        tokio::select! {
            news = news => match news {
                Ok(News::Message(text, lease)) => return Ok((vec![text.as_ref().to_owned()], Some(lease))),
                Ok(News::Look) | Err(_) => {}
            },
            () = tokio::time::sleep_until(until) => return Ok((Vec::new(), None)),
            () = stop.cancelled() => return Ok((Vec::new(), None)),
            () = room.closed() => return Ok((Vec::new(), None)),
        }
        if Instant::now() >= until {
            return Ok((Vec::new(), None));
        }
    }
}

/// Everything that a room ever received, in parts, so that it is never in memory as a whole.
fn history(api: &Api, room: std::sync::Arc<Room>) -> Answered {
    let (parts, body) = mpsc::channel(1);
    let rooms = api.rooms.clone();
    api.lifecycle.spawn("bridge history", async move {
        // Whoever reads it may go; then sending fails, and that is all.
        if let Err(error) = tell(&rooms, &room, &parts).await {
            tracing::error!(%error, "a history was cut short");
        }
    });
    answers::respond(StatusCode::OK, Answer::Parts(body))
}

async fn tell(rooms: &Rooms, room: &Room, parts: &mpsc::Sender<Bytes>) -> Result<(), Unavailable> {
    let (mut after, mut part) = (0, "[".to_owned());
    loop {
        let page = rooms.history(room, after, PAGE).await?;
        for (number, text) in &page {
            if after != 0 {
                part.push(',');
            }
            part.push_str(text);
            after = *number;
        }
        let is_last = page.len() < PAGE;
        if is_last {
            part.push(']');
        }
        if parts.send(std::mem::take(&mut part).into()).await.is_err() || is_last {
            return Ok(());
        }
    }
}
