//! A chat with a bot: it is told what happens, and the operator gives orders in it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::event::{Event, plain};
use super::http::{Reach, Target};
use super::sink::{Sink, Teller};
use super::telegram_text::{name, text};
use super::{NotifyProblem, TelegramOptions};
use crate::domain::Permission;
use crate::runtime::lifecycle::Lifecycle;

/// How long the server may keep a question for news, in seconds.
const POLL_SECONDS: u64 = 30;

/// How long it may take to answer beyond that, and any other request.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Most bytes of an answer: a hundred messages.
const ANSWER_BYTES: usize = 1024 * 1024;

/// Attempts to tell something.
const ATTEMPTS: u32 = 4;

/// The longest pause, whatever the server asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long an order may take to be obeyed before the chat is told nothing of it.
const OBEY_LIMIT: Duration = Duration::from_secs(10);

const USAGE_KILL: &str = "Usage: /kill ROOM";
const USAGE_SET: &str = "Usage: /set ROOM intimate|helper|chat";

/// What the operator asks for in the chat. Whoever obeys says whether there is such a room.
#[derive(Debug)]
pub enum Command {
    /// Close a room.
    Kill {
        /// Its name.
        room: String,
        /// Whether there is such a room.
        done: oneshot::Sender<bool>,
    },
    /// Ask for another level in a room.
    SetLevel {
        /// Its name.
        room: String,
        /// The level.
        level: Permission,
        /// Whether there is such a room.
        done: oneshot::Sender<bool>,
    },
}

/// Starts telling the chat, and listening to it.
pub(super) fn start(
    options: &TelegramOptions,
    lifecycle: &Lifecycle,
    commands: mpsc::Sender<Command>,
) -> Result<Sink, NotifyProblem> {
    let bot = Arc::new(Bot::new(options)?);
    let (stop, listener) = (lifecycle.soft_stop(), Arc::clone(&bot));
    lifecycle.spawn("Telegram", async move {
        tokio::select! {
            () = listener.listen(&commands) => {}
            () = stop.cancelled() => {}
        }
    });
    Ok(Sink::start("Telegram messages", Chat(bot), lifecycle))
}

/// A bot and its chat.
struct Bot {
    api: Target,
    /// The part of a path that names the bot. It holds its token.
    path: String,
    chat_id: String,
    backoff: Duration,
}

/// Why a request to the Bot API failed.
struct Refused {
    reason: String,
    again: Again,
}

/// Whether trying again may help.
#[derive(Clone, Copy)]
enum Again {
    Never,
    /// After a pause of our own.
    Later,
    /// At the earliest after this time, says the server.
    After(Duration),
}

impl Again {
    /// How long to wait; `None` for ever.
    fn pause(self, own: Duration) -> Option<Duration> {
        let pause = match self {
            Self::Never => return None,
            Self::Later => own,
            Self::After(asked) => asked,
        };
        Some(pause.min(LONGEST_PAUSE))
    }
}

impl Bot {
    fn new(options: &TelegramOptions) -> Result<Self, NotifyProblem> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b":_-".contains(&byte);
        if options.token.is_empty() || !options.token.bytes().all(is_token) {
            return Err(NotifyProblem::new("the Telegram token is none"));
        }
        if options.chat_id.is_empty() {
            return Err(NotifyProblem::new("the Telegram chat has no id"));
        }
        Ok(Self {
            // Where the operator puts the Bot API is the operator's affair.
            api: Target::parse(&options.api, Reach::Private)?,
            path: format!("bot{}", options.token),
            chat_id: options.chat_id.clone(),
            backoff: options.backoff,
        })
    }

    async fn call(&self, method: &str, parameters: &Value, limit: Duration) -> Result<Value, Refused> {
        let path = format!("{}/{method}", self.path);
        let body = Bytes::from(parameters.to_string());
        let answer = self.api.post(&path, &[], body, (limit, ANSWER_BYTES)).await;
        let answer = answer.map_err(|failure| Refused {
            reason: failure.to_string(),
            again: Again::Later,
        })?;
        let mut told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.status == 200 && told["ok"] == true {
            return Ok(told["result"].take());
        }
        let again = match (answer.status, told["parameters"]["retry_after"].as_u64()) {
            (429, Some(seconds)) => Again::After(Duration::from_secs(seconds)),
            (429 | 500.., _) => Again::Later,
            _ => Again::Never,
        };
        Err(Refused {
            reason: format!("it was answered with {}", answer.status),
            again,
        })
    }

    async fn say(&self, text: &str) {
        // An id that is a number is sent as one; the name of a channel is a text.
        let chat_id = self
            .chat_id
            .parse::<i64>()
            .map_or_else(|_| json!(self.chat_id), |id| json!(id));
        let parameters = json!({
            "chat_id": chat_id,
            "text": text,
            "parse_mode": "HTML",
            "disable_notification": false,
        });
        let mut wait = self.backoff;
        for attempt in 1..=ATTEMPTS {
            let Err(refused) = self.call("sendMessage", &parameters, ANSWER_LIMIT).await else {
                return;
            };
            match refused.again.pause(wait) {
                Some(pause) if attempt < ATTEMPTS => tokio::time::sleep(pause).await,
                _ => return tracing::warn!(reason = refused.reason, "a Telegram message was not sent"),
            }
            wait *= 2;
        }
    }

    /// Obeys what is said in the chat, for ever.
    async fn listen(&self, commands: &mpsc::Sender<Command>) {
        let (mut offset, mut wait) = (0_i64, self.backoff);
        loop {
            let parameters = json!({ "offset": offset, "timeout": POLL_SECONDS });
            let limit = Duration::from_secs(POLL_SECONDS) + ANSWER_LIMIT;
            match self.call("getUpdates", &parameters, limit).await {
                Ok(updates) => {
                    wait = self.backoff;
                    for update in updates.as_array().into_iter().flatten() {
                        if let Some(id) = update["update_id"].as_i64() {
                            offset = offset.max(id.saturating_add(1));
                        }
                        self.obey(&update["message"], commands).await;
                    }
                    tokio::time::sleep(self.backoff).await;
                }
                Err(refused) => {
                    tracing::debug!(reason = refused.reason, "Telegram gives no news");
                    // A bot that was refused may be let in again, too.
                    tokio::time::sleep(refused.again.pause(wait).unwrap_or(wait)).await;
                    wait = (wait * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Obeys one message, if it comes from the chat and is an order.
    async fn obey(&self, message: &Value, commands: &mpsc::Sender<Command>) {
        if plain(&message["chat"]["id"]) != self.chat_id {
            return;
        }
        let mut words = message["text"].as_str().unwrap_or_default().split_whitespace();
        // In a group the name of the bot stands behind it.
        let order = words.next().and_then(|word| word.split('@').next());
        let (done, obeyed) = oneshot::channel();
        let (command, told) = match (order, words.next(), words.next()) {
            (Some("/kill"), Some(room), None) => {
                let told = format!("🛑 Killing room <code>{}</code>...", name(room));
                let room = room.to_owned();
                (Command::Kill { room, done }, told)
            }
            (Some("/kill"), ..) => return self.say(USAGE_KILL).await,
            (Some("/set"), Some(room), Some(word)) if words.next().is_none() => {
                let Ok(level) = word.parse::<Permission>() else {
                    return self.say(USAGE_SET).await;
                };
                let told = format!("🔐 Room <code>{}</code> permission → <b>{level}</b>", name(room));
                let room = room.to_owned();
                (Command::SetLevel { room, level, done }, told)
            }
            (Some("/set"), ..) => return self.say(USAGE_SET).await,
            _ => return,
        };
        let unknown = match &command {
            Command::Kill { room, .. } | Command::SetLevel { room, .. } => {
                format!("There is no room <code>{}</code>", name(room))
            }
        };
        if commands.send(command).await.is_err() {
            return;
        }
        match tokio::time::timeout(OBEY_LIMIT, obeyed).await {
            Ok(Ok(true)) => self.say(&told).await,
            Ok(Ok(false)) => self.say(&unknown).await,
            Ok(Err(_)) | Err(_) => tracing::warn!("an order from Telegram was not obeyed in time"),
        }
    }
}

/// The chat as somebody to tell.
struct Chat(Arc<Bot>);

impl Teller for Chat {
    fn tell<'a>(&'a self, _at_ms: i64, event: &'a Event) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.0.say(&text(event)).await })
    }
}
