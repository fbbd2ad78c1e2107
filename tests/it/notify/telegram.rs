//! A chat, against a stand-in of the Bot API that speaks HTTP.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use wardroom::domain::Permission;
use wardroom::notify::{Command, Event, NotifyOptions, TelegramOptions};

use super::server::{Reply, Request, Server};
use super::{BRIEFLY, Teller, chat};
use crate::support::soon;

const TOKEN: &str = "12345:secret-Token_x";

/// A stand-in with news for the bot. Messages are answered with what `replies` holds first, and then with success.
struct Bot {
    server: Server,
}

impl Bot {
    async fn start(updates: Vec<Value>, replies: Vec<Reply>) -> Self {
        let replies = Mutex::new(replies.into_iter());
        let server = Server::start(move |_, request| {
            if request.path.ends_with("/sendMessage") {
                let reply = replies.lock().expect("no panic").next();
                return reply.unwrap_or_else(|| Reply::With(200, "", json!({ "ok": true, "result": {} }).to_string()));
            }
            let offset = request.json()["offset"].as_i64().expect("a number");
            let news: Vec<_> = updates
                .iter()
                .filter(|update| update["update_id"].as_i64() >= Some(offset))
                .collect();
            Reply::With(200, "", json!({ "ok": true, "result": news }).to_string())
        })
        .await;
        Self { server }
    }

    fn teller(&self) -> Teller {
        Teller::start(NotifyOptions {
            telegram: Some(TelegramOptions {
                api: self.server.url(""),
                backoff: BRIEFLY,
                ..TelegramOptions::new(TOKEN, "-1001")
            }),
            ..NotifyOptions::default()
        })
    }

    /// The next message that the chat is told.
    async fn told(&mut self) -> Value {
        loop {
            let request: Request = self.server.next().await;
            if request.path == format!("/bot{TOKEN}/sendMessage") {
                return request.json();
            }
            assert_eq!(request.path, format!("/bot{TOKEN}/getUpdates"));
            assert_eq!(request.json()["timeout"], 30);
        }
    }

    async fn text(&mut self) -> String {
        self.told().await["text"].as_str().expect("a text").to_owned()
    }
}

/// Something said in a chat.
fn said(id: i64, chat: i64, text: &str) -> Value {
    json!({ "update_id": id, "message": { "chat": { "id": chat }, "text": text } })
}

#[tokio::test]
async fn the_chat_is_told_in_html_in_which_nothing_of_a_peer_is_a_mark() {
    let mut bot = Bot::start(Vec::new(), Vec::new()).await;
    let teller = bot.teller();
    teller.notifier.notify(chat("<b>hi</b> & co"));
    let expected = json!({
        "chat_id": -1001, "text": "💬 [r1] <b>Peer</b>: &lt;b&gt;hi&lt;/b&gt; &amp; co", "parse_mode": "HTML",
        "disable_notification": false,
    });
    assert_eq!(bot.told().await, expected);
    teller.notifier.notify(Event::Connected {
        room: "r1".into(),
        peer: "<P>".into(),
        permission: "helper".into(),
    });
    assert_eq!(bot.text().await, "🔗 [r1] <b>&lt;P&gt;</b> joined (helper)");
    teller.notifier.notify(chat(&"x".repeat(10_000)));
    assert!(bot.text().await.encode_utf16().count() <= 4096);
    teller.finish().await;
}

#[tokio::test]
async fn what_telegram_does_not_take_for_now_is_told_again_and_what_it_refuses_is_not() {
    let later = json!({ "ok": false, "parameters": { "retry_after": 0 } }).to_string();
    let replies = vec![
        Reply::With(429, "", later),
        Reply::status(502),
        Reply::With(200, "", json!({ "ok": true, "result": {} }).to_string()),
        Reply::With(400, "", json!({ "ok": false }).to_string()),
    ];
    let mut bot = Bot::start(Vec::new(), replies).await;
    let teller = bot.teller();
    for text in ["one", "two", "three"] {
        teller.notifier.notify(chat(text));
    }
    for expected in ["one", "one", "one", "two", "three"] {
        assert!(bot.text().await.ends_with(expected));
    }
    teller.finish().await;
}

#[tokio::test]
async fn orders_from_the_chat_are_obeyed_each_once() {
    let updates = vec![
        said(7, -1001, "/kill room-1"),
        said(8, -1001, "/set@our_bot room-1 chat"),
        said(9, -1001, "/kill <nobody>"),
    ];
    let mut bot = Bot::start(updates, Vec::new()).await;
    let mut teller = bot.teller();
    let mut next = async || soon("an order", teller.commands.recv()).await.expect("it goes on");
    let Command::Kill { room, done } = next().await else {
        panic!("another order");
    };
    assert_eq!(room, "room-1");
    done.send(true).expect("it waits");
    assert_eq!(bot.text().await, "🛑 Killing room <code>room-1</code>...");
    let Command::SetLevel { room, level, done } = next().await else {
        panic!("another order");
    };
    assert_eq!((room.as_str(), level), ("room-1", Permission::Chat));
    done.send(true).expect("it waits");
    assert_eq!(bot.text().await, "🔐 Room <code>room-1</code> permission → <b>chat</b>");
    let Command::Kill { done, .. } = next().await else {
        panic!("another order");
    };
    done.send(false).expect("it waits");
    assert_eq!(bot.text().await, "There is no room <code>&lt;nobody&gt;</code>");
    // It asks for what comes next, and nothing is obeyed twice.
    let asked = soon("a question", async {
        loop {
            let request = bot.server.next().await;
            if request.json()["offset"] == 10 {
                return request;
            }
        }
    });
    asked.await;
    assert!(teller.commands.try_recv().is_err());
    teller.finish().await;
}

#[tokio::test]
async fn nothing_else_is_an_order() {
    let mut updates = vec![
        said(1, -1002, "/kill room-1"),
        said(2, 1001, "/kill room-1"),
        said(3, -1001, "/killer room-1"),
        said(4, -1001, "kill room-1"),
        said(5, -1001, "please /kill room-1"),
        said(6, -1001, "/status"),
        said(7, -1001, "/rooms"),
        json!({ "update_id": 8, "edited_message": { "chat": { "id": -1001 }, "text": "/kill room-1" } }),
        json!({ "update_id": 9, "message": { "chat": { "id": -1001 }, "caption": "/kill room-1" } }),
        json!({ "update_id": 10, "message": null }),
        json!("nonsense"),
    ];
    let wrong = [
        "/kill",
        "/kill a b",
        "/set",
        "/set room-1",
        "/set room-1 root",
        "/set room-1 chat now",
    ];
    updates.extend((11..).zip(wrong).map(|(id, text)| said(id, -1001, text)));
    let mut bot = Bot::start(updates, Vec::new()).await;
    let mut teller = bot.teller();
    for text in wrong {
        let usage = if text.starts_with("/kill") {
            "Usage: /kill ROOM"
        } else {
            "Usage: /set ROOM intimate|helper|chat"
        };
        assert_eq!(bot.text().await, usage, "{text}");
    }
    assert!(teller.commands.try_recv().is_err());
    teller.finish().await;
}

#[tokio::test]
async fn a_bot_that_is_away_is_asked_again() {
    let failures = Arc::new(Mutex::new(3));
    let mut server = Server::start(move |_, _| {
        let mut left = failures.lock().expect("no panic");
        if *left > 0 {
            *left -= 1;
            return Reply::status(502);
        }
        Reply::With(
            200,
            "",
            json!({ "ok": true, "result": [said(1, -1001, "/kill r")] }).to_string(),
        )
    })
    .await;
    let mut teller = Teller::start(NotifyOptions {
        telegram: Some(TelegramOptions {
            api: server.url("/below/"),
            backoff: BRIEFLY,
            ..TelegramOptions::new(TOKEN, "-1001")
        }),
        ..NotifyOptions::default()
    });
    assert!(soon("an order", teller.commands.recv()).await.is_some());
    assert_eq!(server.next().await.path, format!("/below/bot{TOKEN}/getUpdates"));
    teller.finish().await;
}
