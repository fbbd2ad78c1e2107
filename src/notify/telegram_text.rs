//! What a chat is told, in the words of link-agent, as the HTML that Telegram reads.

use super::event::{Event, Message, plain};

/// Telegram takes 4096 UTF-16 units of what is read after the marks. So much is left for a text beside names and marks.
const TEXT_UNITS: usize = 3500;

/// So much is shown of a name.
const NAME_UNITS: usize = 100;

/// So many characters are shown of a result.
const RESULT_CHARACTERS: usize = 200;

/// The text for an event.
pub(super) fn text(event: &Event) -> String {
    match event {
        Event::Room { room } => format!("🏠 Room created: <code>{}</code>", name(room)),
        Event::Connected { room, peer, permission } => format!(
            "🔗 [{}] <b>{}</b> joined ({})",
            name(room),
            name(peer),
            name(permission)
        ),
        Event::Disconnected { room, reason, .. } => format!("❌ [{}] Peer left: {}", name(room), name(reason)),
        Event::Killed { room } => format!("🛑 Room <code>{}</code> killed by user", name(room)),
        Event::GaveUp { room, attempts } => {
            format!(
                "💤 Room <code>{}</code> closed after {attempts} failed reconnects",
                name(room)
            )
        }
        Event::Message(message) => of_message(message),
    }
}

fn of_message(message: &Message) -> String {
    let who = format!(
        "[{}] <b>{}</b>",
        name(&message.room),
        name(message.from.as_deref().unwrap_or_default())
    );
    let member = |names: &[&str]| {
        let found = names.iter().find_map(|name| message.member(name));
        escape(&cut(&found.map(plain).unwrap_or_default(), TEXT_UNITS))
    };
    match message.kind() {
        "chat" | "text" => format!("💬 {who}: {}", member(&["text", "content"])),
        "task" => format!("📋 {who} task: {}", member(&["description"])),
        "query" => format!("❓ {who}: {}", member(&["question"])),
        "file" => format!("📎 {who} sent file: {}", member(&["name"])),
        "result" => {
            let data = message
                .member("data")
                .map_or_else(|| "null".to_owned(), ToString::to_string);
            let mut shown: String = data.chars().take(RESULT_CHARACTERS).collect();
            if shown.len() < data.len() {
                shown.push_str("...");
            }
            format!("✅ {who} result: {}", escape(&shown))
        }
        "intro" => format!("👋 {who}: {}", member(&["text", "content"])),
        other => format!("📨 {who} [{}]: {}", name(other), member(&["text", "content"])),
    }
}

/// A name as it may stand in a text.
pub(super) fn name(text: &str) -> String {
    escape(&cut(text, NAME_UNITS))
}

/// The beginning of a text, in the units that Telegram counts.
fn cut(text: &str, most: usize) -> String {
    let mut units = 0;
    let fits = |letter: &char| {
        units += letter.len_utf16();
        units <= most
    };
    let mut kept: String = text.chars().take_while(fits).collect();
    if kept.len() < text.len() {
        kept.push('…');
    }
    kept
}

/// A text in which nothing is a mark.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn message(envelope: Value) -> String {
        text(&Event::Message(Message {
            room: "r".into(),
            from: Some("P<".into()),
            envelope,
            is_outbound: false,
            agents: Vec::new(),
        }))
    }

    #[test]
    fn each_kind_of_message_has_its_text() {
        let payload = |kind: &str, payload: Value| message(json!({ "id": "1", "type": kind, "payload": payload }));
        for (shown, expected) in [
            (
                payload("chat", json!({ "content": "<b>hi</b> & co" })),
                "💬 [r] <b>P&lt;</b>: &lt;b&gt;hi&lt;/b&gt; &amp; co",
            ),
            (
                payload("task", json!({ "description": "d" })),
                "📋 [r] <b>P&lt;</b> task: d",
            ),
            (payload("query", json!({ "question": "q" })), "❓ [r] <b>P&lt;</b>: q"),
            (
                payload("file", json!({ "name": "n", "content": "c" })),
                "📎 [r] <b>P&lt;</b> sent file: n",
            ),
            (
                payload("result", json!({ "data": { "r": 1 } })),
                "✅ [r] <b>P&lt;</b> result: {\"r\":1}",
            ),
            (
                message(json!({ "type": "intro", "text": "hello" })),
                "👋 [r] <b>P&lt;</b>: hello",
            ),
            (
                payload("<x>", json!({ "text": "t" })),
                "📨 [r] <b>P&lt;</b> [&lt;x&gt;]: t",
            ),
        ] {
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn texts_fit_into_what_telegram_takes() {
        let shown = message(json!({ "type": "chat", "payload": { "content": "😀".repeat(5000) } }));
        assert!(
            shown.encode_utf16().count() <= 4096 && shown.ends_with('…'),
            "{}",
            shown.len()
        );
        let shown = message(json!({ "type": "result", "payload": { "data": "x".repeat(500) } }));
        assert!(shown.ends_with("...") && shown.chars().count() < 250, "{shown}");
        let long = "x".repeat(10_000);
        let shown = text(&Event::Connected {
            room: long.clone(),
            peer: long.clone(),
            permission: long,
        });
        assert!(shown.encode_utf16().count() <= 4096);
    }
}
