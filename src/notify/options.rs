//! What the operator wants to be told, and how.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

/// Everything that can be asked for.
#[derive(Clone, Debug, Default)]
pub struct NotifyOptions {
    /// One way to tell programs of every event.
    pub adapter: Option<Adapter>,
    /// Commands for some events.
    pub hooks: Hooks,
    /// A chat.
    pub telegram: Option<TelegramOptions>,
}

/// A way to tell programs.
#[derive(Clone, Debug)]
pub enum Adapter {
    /// A POST request.
    Webhook(WebhookOptions),
    /// A file for each event in a directory.
    File {
        /// The directory, which is made if it is missing.
        dir: PathBuf,
    },
    /// A command of the operator's, run by `/bin/sh`.
    Shell {
        /// The command. Values are in its environment; `{name}` in it stands for such a variable.
        command: String,
    },
    /// A line of JSON on the standard output.
    Stdout,
}

/// Commands of the operator's, run by `/bin/sh`. Values are in their environment; `{name}` in them stands for such a variable.
#[derive(Clone, Debug, Default)]
pub struct Hooks {
    /// Run when a peer is linked.
    pub on_connect: Option<String>,
    /// Run for each message that comes.
    pub on_message: Option<String>,
    /// Run when a link is lost.
    pub on_disconnect: Option<String>,
}

/// Where and how a request is made.
#[derive(Clone)]
pub struct WebhookOptions {
    /// The address, `http://` or `https://`.
    pub url: String,
    /// Headers beside our own.
    pub headers: Vec<(String, String)>,
    /// The key with which the body is signed, if it is: HMAC-SHA256 in `X-Webhook-Signature: sha256=…`.
    pub secret: Option<String>,
    /// Whether the address may lead to this machine or a private network. Link-local and metadata addresses are never used.
    pub allow_private: bool,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How long to wait before the second attempt; each wait is twice the one before, up to four attempts.
    pub backoff: Duration,
}

/// A chat of a bot, to which is told what happens, and which gives orders.
#[derive(Clone)]
pub struct TelegramOptions {
    /// The token of the bot, a secret.
    pub token: String,
    /// The id of the only chat that is told and obeyed.
    pub chat_id: String,
    /// Where the Bot API is.
    pub api: String,
    /// How long to wait before the second attempt; each wait is twice the one before.
    pub backoff: Duration,
}

/// Why options cannot work.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotifyProblem(pub(super) String);

impl NotifyProblem {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl WebhookOptions {
    /// Requests to `url` with the usual limits: 5 seconds an attempt, public addresses only.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            headers: Vec::new(),
            secret: None,
            allow_private: false,
            timeout: Duration::from_secs(5),
            backoff: Duration::from_secs(1),
        }
    }
}

impl TelegramOptions {
    /// The chat at the public Bot API.
    pub fn new(token: impl Into<String>, chat_id: impl Into<String>) -> Self {
        Self {
            token: token.into(),
            chat_id: chat_id.into(),
            api: "https://api.telegram.org".to_owned(),
            backoff: Duration::from_secs(1),
        }
    }
}

impl Adapter {
    /// Reads the `notify` object of an rc file: `type` is `webhook` (`url`, `headers`, and beyond link-agent `secret` and
    /// `allowPrivate`), `file` (`dir`), `shell` (`command`) or `stdout`.
    ///
    /// # Errors
    ///
    /// [`NotifyProblem`] for an unknown type, a member that is missing, unknown or of another type.
    pub fn from_json(object: &Value) -> Result<Self, NotifyProblem> {
        let members = object
            .as_object()
            .ok_or_else(|| NotifyProblem::new("`notify` must be an object"))?;
        let known = |names: &[&str]| match members
            .keys()
            .find(|key| *key != "type" && !names.contains(&key.as_str()))
        {
            None => Ok(()),
            Some(key) => Err(NotifyProblem(format!(
                "`notify` has no member `{}`",
                key.escape_debug()
            ))),
        };
        let text = |name: &str| match members.get(name).and_then(Value::as_str) {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(NotifyProblem(format!("`notify.{name}` must be a text"))),
        };
        match members.get("type").and_then(Value::as_str) {
            Some("webhook") => {
                known(&["url", "headers", "secret", "allowPrivate"])?;
                let mut options = WebhookOptions::new(text("url")?);
                if members.contains_key("secret") {
                    options.secret = Some(text("secret")?);
                }
                options.allow_private = match members.get("allowPrivate") {
                    None => false,
                    Some(Value::Bool(allow)) => *allow,
                    Some(_) => return Err(NotifyProblem::new("`notify.allowPrivate` must be true or false")),
                };
                options.headers = headers(members.get("headers"))?;
                Ok(Self::Webhook(options))
            }
            Some("file") => {
                known(&["dir"])?;
                let dir = text("dir")?.into();
                Ok(Self::File { dir })
            }
            Some("shell") => {
                known(&["command"])?;
                let command = text("command")?;
                Ok(Self::Shell { command })
            }
            Some("stdout") => known(&[]).map(|()| Self::Stdout),
            _ => Err(NotifyProblem::new(
                "`notify.type` must be `webhook`, `file`, `shell` or `stdout`",
            )),
        }
    }
}

fn headers(value: Option<&Value>) -> Result<Vec<(String, String)>, NotifyProblem> {
    let problem = || NotifyProblem::new("`notify.headers` must be an object of texts");
    let Some(value) = value else { return Ok(Vec::new()) };
    let members = value.as_object().ok_or_else(problem)?.iter();
    members
        .map(|(name, value)| Ok((name.clone(), value.as_str().ok_or_else(problem)?.to_owned())))
        .collect()
}

// Addresses, headers, keys and tokens are secrets.

impl fmt::Debug for WebhookOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookOptions")
            .field("allow_private", &self.allow_private)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TelegramOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelegramOptions").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_forms_of_an_rc_file_are_read() {
        let read = |value: Value| Adapter::from_json(&value);
        assert!(matches!(read(json!({ "type": "stdout" })), Ok(Adapter::Stdout)));
        assert!(
            matches!(read(json!({ "type": "file", "dir": "/x" })), Ok(Adapter::File { dir }) if dir.ends_with("x"))
        );
        assert!(matches!(
            read(json!({ "type": "shell", "command": "true" })),
            Ok(Adapter::Shell { .. })
        ));
        let webhook =
            json!({ "type": "webhook", "url": "https://a.example", "headers": { "X-A": "b" }, "secret": "s" });
        let Ok(Adapter::Webhook(webhook)) = read(webhook) else {
            panic!("not read");
        };
        assert_eq!(webhook.headers, [("X-A".to_owned(), "b".to_owned())]);
        assert!(!webhook.allow_private);
        assert!(!format!("{webhook:?}").contains("example"));
    }

    #[test]
    fn other_forms_are_refused_with_a_reason() {
        for (value, expected) in [
            (json!("stdout"), "must be an object"),
            (json!({}), "`notify.type`"),
            (json!({ "type": "mail" }), "`notify.type`"),
            (json!({ "type": "file" }), "`notify.dir`"),
            (json!({ "type": "shell", "command": 7 }), "`notify.command`"),
            (json!({ "type": "webhook", "url": "" }), "`notify.url`"),
            (
                json!({ "type": "webhook", "url": "u", "allowPrivate": 1 }),
                "`notify.allowPrivate`",
            ),
            (
                json!({ "type": "webhook", "url": "u", "headers": { "a": 1 } }),
                "`notify.headers`",
            ),
            (json!({ "type": "stdout", "colour": 1 }), "no member `colour`"),
        ] {
            let problem = Adapter::from_json(&value).expect_err("refused").to_string();
            assert!(problem.contains(expected), "{value}: {problem}");
        }
    }
}
