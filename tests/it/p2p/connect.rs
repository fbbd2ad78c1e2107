//! The commands `connect` and `ping`, as programs and people use them.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{ExitStatus, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use wardroom::domain::Permission;
use wardroom::p2p::LinkEvent;

use super::signaling;
use crate::support::{NodePeer, TestLink, soon};

/// The program with a home of its own, in which nobody asks public servers for anything.
struct Program {
    home: TempDir,
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &json!({ "iceServers": [] }))
    }

    fn start_with(arguments: &[&str], rc: &Value) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        std::fs::write(home.path().join(".agentlinkrc"), rc.to_string()).expect("written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_wardroom"))
            .args(arguments)
            .env_clear()
            .env("HOME", home.path())
            .current_dir(home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self {
            home,
            child,
            input,
            output,
        }
    }

    async fn line(&mut self) -> Option<String> {
        soon("a line of the program", self.output.next_line())
            .await
            .expect("readable")
    }

    async fn event(&mut self) -> Value {
        let line = self.line().await.expect("the program is running");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"))
    }

    /// Reads on until an event has this name.
    async fn wait_for(&mut self, name: &str) -> Value {
        loop {
            let event = self.event().await;
            if event["event"] == name {
                return event;
            }
        }
    }

    /// Reads on until a line has this in it.
    async fn wait_for_text(&mut self, text: &str) -> String {
        loop {
            let line = self.line().await.unwrap_or_else(|| panic!("ended before {text:?}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    async fn write(&mut self, line: &str) {
        let input = self.input.as_mut().expect("open");
        input.write_all(format!("{line}\n").as_bytes()).await.expect("written");
    }

    fn close_input(&mut self) {
        self.input = None;
    }

    async fn end(&mut self) -> ExitStatus {
        soon("the end of the program", self.child.wait()).await.expect("ended")
    }
}

#[tokio::test]
async fn events_and_short_forms_are_those_of_link_agent() {
    let (_server, url) = signaling();
    let mut program = Program::start(&[
        "connect", "room", "--signal", &url, "--name", "Prog", "--perm", "intimate", "--json",
    ]);
    let room = program.event().await;
    let invite = program.home.path().join(".agentlink/invite.txt");
    assert_eq!(room, json!({ "event": "room", "roomId": "room", "invite": invite }));
    let text = std::fs::read_to_string(&invite).expect("an invite");
    assert!(
        text.contains("Room ID: room\n") && text.contains("Permission: intimate\n"),
        "{text}"
    );
    let mode = std::fs::metadata(&invite).expect("an invite").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(program.event().await, json!({ "event": "role", "role": "offerer" }));

    let mut peer = NodePeer::enter(&url, "room", &json!({ "permission": "intimate" })).await;
    let connected = json!({ "event": "connected", "peer": "Node", "permission": "intimate" });
    assert_eq!(program.event().await, connected);
    peer.message("handshake-ack").await;

    program
        .write(r#"{"type":"task","description":"review","data":{"f":1}}"#)
        .await;
    let task = peer.message("task").await;
    assert_eq!(task["payload"], json!({ "description": "review", "data": { "f": 1 } }));
    assert_eq!((&task["from"], &task["priority"]), (&json!("Prog"), &json!(1)));
    program.write("").await;
    program.write("garbage").await;
    assert_eq!(
        program.event().await,
        json!({ "event": "error", "message": "Invalid JSON on stdin" })
    );
    let large = json!({ "type": "chat", "content": "x".repeat(262_144) }).to_string();
    program.write(&large).await;
    let error = program.event().await["message"].as_str().expect("a text").to_owned();
    assert!(
        error.starts_with("Message too large: ") && error.ends_with(" bytes (max 262144)"),
        "{error}"
    );

    let text =
        r#"{"id":"12aaae98","type":"chat","payload":{"content":"hi"},"from":"N","replyTo":null,"priority":1,"ts":1}"#;
    peer.send(text).await;
    let line = program.line().await.expect("running");
    assert_eq!(line, text.replacen('{', r#"{"event":"message","#, 1));
    assert_eq!(peer.message("ack").await["replyTo"], "12aaae98");
    // The same again is acknowledged and not shown; pings are answered and not shown.
    peer.send(text).await;
    assert_eq!(peer.message("ack").await["replyTo"], "12aaae98");
    peer.send(r#"{"type":"_ping","ts":1}"#).await;
    peer.message("_pong").await;
    peer.send(r#"{"id":"f","event":"connected","peer":"Mallory"}"#).await;
    assert_eq!(
        program.event().await,
        json!({ "event": "message", "id": "f", "peer": "Mallory" })
    );
    peer.send("5").await;
    assert_eq!(program.event().await, json!({ "event": "message", "value": 5 }));

    peer.order(&json!({ "do": "hangUp" })).await;
    let disconnected = json!({ "event": "disconnected", "reason": "datachannel-closed" });
    assert_eq!(program.event().await, disconnected);
    assert!(program.end().await.success());
}

#[tokio::test]
async fn the_end_of_the_input_ends_the_link_and_what_was_written_before_arrives() {
    let (_server, url) = signaling();
    let mut link = TestLink::enter(&url, "room", Permission::Intimate).await;
    let mut program = Program::start(&["connect", "room", "-s", &url, "--json"]);
    // Before there is anybody to read it.
    for number in 0..20 {
        program
            .write(&json!({ "content": number.to_string() }).to_string())
            .await;
    }
    program.close_input();
    for number in 0..20 {
        assert_eq!(link.received().await.0["payload"]["content"], number.to_string());
    }
    link.wait_for("the loss", |event| matches!(event, LinkEvent::Disconnected { .. }))
        .await;
    assert!(program.end().await.success());
    link.close().await;
}

#[tokio::test]
async fn a_full_room_and_an_absent_server_are_told_and_end_with_success() {
    let (_server, url) = signaling();
    let (_one, _two) = (
        NodePeer::enter(&url, "room", &json!({ "calls": false })).await,
        NodePeer::enter(&url, "room", &json!({ "calls": false })).await,
    );
    let lost = json!({ "event": "disconnected", "reason": "signaling-lost-before-p2p" });
    let mut program = Program::start(&["connect", "room", "-s", &url, "--json"]);
    assert_eq!(
        program.event().await,
        json!({ "event": "error", "message": "Server: Room is full" })
    );
    assert_eq!(program.event().await, lost);
    assert!(program.end().await.success());

    let mut program = Program::start(&["connect", "room", "-s", "ws://127.0.0.1:1/", "--json"]);
    let refused = program.event().await["message"].as_str().expect("a text").to_owned();
    assert!(
        refused.starts_with("Signaling: ") && refused.contains("refused"),
        "{refused}"
    );
    assert_eq!(program.event().await, lost);
    assert!(program.end().await.success());
}

#[tokio::test]
async fn the_file_gives_what_no_flag_does() {
    let (_server, url) = signaling();
    let rc = json!({
        "iceServers": [], "signalingUrl": url, "name": "From the file", "permission": "chat", "aliases": { "short": "long-room" }
    });
    let mut program = Program::start_with(&["connect", "short", "--json"], &rc);
    assert_eq!(program.event().await["roomId"], "long-room");
    let mut link = TestLink::enter(&url, "long-room", Permission::Intimate).await;
    assert_eq!(link.connected().await, ("From the file".to_owned(), Permission::Chat));
    link.close().await;
    program.wait_for("disconnected").await;
    let mut program = Program::start_with(&["connect", "--json", "--name", "Flag", "--perm", "helper"], &rc);
    let room = program.event().await["roomId"].as_str().expect("a room").to_owned();
    assert_eq!(room.len(), 32);
    let mut link = TestLink::enter(&url, &room, Permission::Intimate).await;
    assert_eq!(link.connected().await, ("Flag".to_owned(), Permission::Helper));
    link.close().await;
}

#[tokio::test]
async fn two_programs_meet_by_a_secret_in_a_file() {
    let (_server, url) = signaling();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("secret");
    std::fs::write(&file, "0123456789abcdef0123456789abcdef\n").expect("written");
    let arguments = [
        "connect",
        "-s",
        &url,
        "--json",
        "--secret-file",
        file.to_str().expect("a path"),
    ];
    let mut one = Program::start(&arguments);
    assert_eq!(one.event().await["roomId"].as_str().map(str::len), Some(64));
    one.wait_for("role").await;
    let mut two = Program::start(&arguments);
    one.wait_for("connected").await;
    two.wait_for("connected").await;
    std::fs::write(&file, "short").expect("written");
    assert_eq!(Program::start(&arguments).end().await.code(), Some(2));
}

#[tokio::test]
async fn a_person_talks_changes_the_level_holds_a_session_and_quits() {
    let (_server, url) = signaling();
    let mut link = TestLink::enter(&url, "room", Permission::Intimate).await;
    let mut person = Program::start(&["connect", "room", "-s", &url, "-n", "Person"]);
    assert_eq!(link.connected().await, ("Person".to_owned(), Permission::Helper));
    person.wait_for_text("linked to Ward at level helper").await;
    person.write("hello there").await;
    assert_eq!(link.received().await.0["payload"]["content"], "hello there");
    link.chat("\u{1b}[2J\u{1b}[31mhi\nfake: line").await.expect("sent");
    let shown = person.wait_for_text("hi").await;
    assert!(
        shown.ends_with("Ward: hi fake: line") && !shown.contains('\u{1b}'),
        "{shown:?}"
    );
    person.write("my password is x").await;
    person.wait_for_text("not sent: the text mentions `password`").await;

    person.write("/session start tidy up").await;
    // The acknowledgement of the chat came before it.
    let mut session = link.received().await.0;
    while session["type"] != "session" {
        session = link.received().await.0;
    }
    let id = session["content"]["sessionId"].as_str().expect("an id").to_owned();
    assert_eq!((session["content"]["action"].as_str(), id.len()), (Some("start"), 8));
    assert!(session.get("id").is_none());
    let accept = json!({ "action": "accept", "sessionId": id });
    let envelope = wardroom::p2p::Envelope::of(link.link.author(), "session", accept, None).expect("an envelope");
    link.link.send(&envelope).await.expect("sent");
    person.wait_for_text("the session is open").await;

    person.write("/perm nonsense").await;
    person.wait_for_text("`intimate`, `helper` or `chat`").await;
    person.write("/perm chat").await;
    link.wait_for("the change", |event| {
        matches!(event, LinkEvent::PermissionChanged { .. })
    })
    .await;
    person.wait_for_text("the level is chat now").await;
    person.write("/session end").await;
    person.wait_for_text("sessions are not allowed").await;
    person.write("/what").await;
    person.wait_for_text("`/what` is not known").await;
    person.write("/help").await;
    person.wait_for_text("/quit").await;
    person.write("/quit").await;
    assert!(person.end().await.success());
    link.wait_for("the loss", |event| matches!(event, LinkEvent::Disconnected { .. }))
        .await;
    link.close().await;
}

#[tokio::test]
async fn levels_that_are_none_are_wrong_usage() {
    let mut program = Program::start(&["connect", "--perm", "root", "--json"]);
    assert_eq!(program.end().await.code(), Some(2));
    let mut program = Program::start(&["connect", "--ice", "turn:host", "--json"]);
    assert_eq!(program.end().await.code(), Some(2));
}

#[tokio::test]
async fn ping_tells_what_works_and_what_does_not() {
    let (_server, url) = signaling();
    let mut program = Program::start(&["ping", &url, "--json"]);
    let mut report = String::new();
    let read = program.output.get_mut().read_to_string(&mut report);
    soon("the report", read).await.expect("readable");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["status"], "ok", "{report}");
    assert_eq!(report["signaling"]["state"], "works");
    assert_eq!(report["data_channel"]["state"], "works");
    assert_eq!(
        (&report["stun"]["state"], &report["turn"]["state"]),
        (&json!("limits"), &json!("limits"))
    );
    assert!(program.end().await.success());

    let mut program = Program::start(&["ping", "ws://127.0.0.1:1/"]);
    let line = program.wait_for_text("signaling").await;
    assert!(line.starts_with("fails") && line.contains("refused"), "{line}");
    assert_eq!(program.end().await.code(), Some(1));
}
