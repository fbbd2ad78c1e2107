//! What is written down about a link.

use serde::Serialize;

/// An event of a room, as `events.jsonl` has it.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(in crate::bridge) enum Happening {
    /// The room was entered.
    Room { room_id: String },
    /// The other side is there.
    Connected { peer: String, permission: String },
    /// It is gone.
    Disconnected { reason: String },
    /// Another attempt begins after a wait.
    Reconnecting { attempt: u32 },
    /// Nobody came in the time allowed.
    Timeout,
    /// Something went wrong.
    Error { message: String },
    /// Another level holds.
    PermChanged { room_id: String, level: String },
    /// A message was taken away by somebody who may: the hub shows it as removed from now on.
    Removed { message_id: String },
    /// No further attempts are made.
    GaveUp { attempts: u32 },
    /// The room is closed.
    Closed,
}

#[derive(Serialize)]
struct Line<'a> {
    ts: i64,
    #[serde(flatten)]
    happening: &'a Happening,
}

impl Happening {
    /// The line of the file.
    pub(in crate::bridge) fn line(&self, now_ms: i64) -> String {
        let line = Line {
            ts: now_ms,
            happening: self,
        };
        serde_json::to_string(&line).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_fact_sheet() {
        let check = |happening: Happening, line: &str| assert_eq!(happening.line(7), line);
        check(Happening::Timeout, r#"{"ts":7,"event":"timeout"}"#);
        check(
            Happening::PermChanged {
                room_id: "r".into(),
                level: "chat".into(),
            },
            r#"{"ts":7,"event":"perm-changed","roomId":"r","level":"chat"}"#,
        );
        check(
            Happening::GaveUp { attempts: 30 },
            r#"{"ts":7,"event":"gave-up","attempts":30}"#,
        );
    }
}
