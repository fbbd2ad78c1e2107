//! Commands: they get their values and never become a part of them.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, test_kill_process};
use serde_json::json;
use wardroom::notify::{Adapter, Event, Hooks, Message, NotifyOptions};

use super::{Teller, chat, message};

/// Commands for messages.
fn on_message(command: String) -> NotifyOptions {
    NotifyOptions {
        hooks: Hooks {
            on_message: Some(command),
            ..Hooks::default()
        },
        ..NotifyOptions::default()
    }
}

/// Texts of which each would make a file if any part of it were run.
fn hostile(file: &Path) -> Vec<String> {
    let touch = format!("touch {}", file.display());
    let plain = [
        "$(T)",
        "`T`",
        "; T;",
        "| T",
        "|| T",
        "&& T",
        "& T &",
        "\nT\n",
        "'; T; '",
        "\"; T; \"",
        "'$(T)'",
        "\"$(T)\"",
        "\\$(T)",
        "\\`T\\`",
        "${IFS}$(T)",
        "$((`T`))",
        "$'\\n'T",
        ">(T)",
        "<(T)",
        "{content}$(T)",
        "{from}",
        "'\"'\"'; T; '\"'\"'",
        "$`T",
        "$&; T",
        "$'; T; '",
    ];
    plain.iter().map(|text| text.replace('T', &touch)).collect()
}

/// Ways to write a placeholder.
fn commands(out: &Path) -> Vec<String> {
    let out = out.display();
    vec![
        format!("printf '%s\\036' {{from}} {{content}} >> {out}"),
        format!("printf '%s\\036' \"{{from}}\" \"{{content}}\" >> {out}"),
        format!("printf '%s\\036' '{{from}}' '{{content}}' >> {out}"),
        format!("printf '%s\\036' \"$AGENTLINK_FROM\" \"$AGENTLINK_CONTENT\" >> {out}"),
        format!("printf '%s\\036' \"$WARDROOM_FROM\" \"$WARDROOM_CONTENT\" >> {out}"),
    ]
}

#[tokio::test]
async fn of_five_hundred_hostile_texts_none_is_run_and_all_arrive() {
    let dir = tempfile::tempdir().expect("a directory");
    let (file, out) = (dir.path().join("run"), dir.path().join("out"));
    let mut told = Vec::new();
    for command in commands(&out) {
        for is_hook in [true, false] {
            let teller = Teller::start(if is_hook {
                on_message(command.clone())
            } else {
                NotifyOptions {
                    adapter: Some(Adapter::Shell {
                        command: command.clone(),
                    }),
                    ..NotifyOptions::default()
                }
            });
            for text in hostile(&file) {
                for (from, content) in [(text.as_str(), "{from}"), ("{content}", text.as_str())] {
                    told.extend([from.to_owned(), content.to_owned()]);
                    let envelope = json!({ "id": "1", "type": "chat", "payload": { "content": content } });
                    teller.notifier.notify(message(from, envelope));
                }
            }
            teller.done(&out, told.len()).await;
        }
    }
    assert!(
        told.len() >= 1000,
        "{} values in {} commands",
        told.len(),
        told.len() / 2
    );
    assert!(!file.exists(), "something was run");
    let written = fs::read_to_string(&out).expect("a text");
    let mut written: Vec<_> = written.split_terminator('\u{1e}').map(str::to_owned).collect();
    written.sort_unstable();
    told.sort_unstable();
    assert_eq!(written, told);
}

#[tokio::test]
async fn each_hook_gets_its_values_under_both_names() {
    let dir = tempfile::tempdir().expect("a directory");
    let command = |name: &str| {
        let file = dir.path().join(name);
        Some(format!(
            "env | grep -E '^(WARDROOM|AGENTLINK)_' | sort >> {}",
            file.display()
        ))
    };
    let teller = Teller::start(NotifyOptions {
        hooks: Hooks {
            on_connect: command("connect"),
            on_message: command("message"),
            on_disconnect: command("disconnect"),
        },
        ..NotifyOptions::default()
    });
    teller.notifier.notify(Event::Connected {
        room: "r1".into(),
        peer: "P".into(),
        permission: "helper".into(),
    });
    teller.notifier.notify(Event::Message(Message {
        room: "r1".into(),
        from: Some("P".into()),
        envelope: json!({ "id": "i", "type": "task", "payload": { "description": "d", "data": null } }),
        is_outbound: false,
        agents: vec!["a1".into()],
    }));
    let lost = |was_linked| Event::Disconnected {
        room: "r1".into(),
        reason: "peer-left".into(),
        was_linked,
    };
    teller.notifier.notify(lost(true));
    teller.notifier.notify(lost(false));
    teller.notifier.notify(Event::Message(Message {
        room: "r1".into(),
        from: Some("P (me)".into()),
        envelope: json!({ "id": "i", "type": "chat", "payload": { "content": "c" } }),
        is_outbound: true,
        agents: Vec::new(),
    }));
    teller.finish().await;
    for (name, values) in [
        ("connect", vec!["PEER=P", "PERMISSION=helper", "ROOM_ID=r1"]),
        (
            "message",
            vec![
                "AGENT_ID=a1",
                "DESCRIPTION=d",
                "FROM=P",
                "ID=i",
                "ROOM_ID=r1",
                "TYPE=task",
            ],
        ),
        ("disconnect", vec!["REASON=peer-left", "ROOM_ID=r1"]),
    ] {
        let written = fs::read_to_string(dir.path().join(name)).expect("a text");
        let lines = |prefix: &str| -> Vec<String> {
            let found = written.lines().filter_map(|line| line.strip_prefix(prefix));
            found.map(str::to_owned).collect()
        };
        assert_eq!(lines("AGENTLINK_"), values, "{name}");
        // The tests may run with settings of their own.
        assert!(
            values
                .iter()
                .all(|value| lines("WARDROOM_").iter().any(|line| line == value)),
            "{written}"
        );
    }
}

#[tokio::test]
async fn a_hook_runs_once_for_each_agent() {
    let dir = tempfile::tempdir().expect("a directory");
    let out = dir.path().join("out");
    let teller = Teller::start(on_message(format!("echo {{agentId}} >> {}", out.display())));
    let Event::Message(mut message) = chat("hi") else {
        unreachable!()
    };
    message.agents = vec!["a".into(), "b".into()];
    teller.notifier.notify(Event::Message(message));
    teller.notifier.notify(chat("hi"));
    teller.finish().await;
    let written = fs::read_to_string(&out).expect("a text");
    let mut lines: Vec<_> = written.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["", "a", "b"]);
}

#[tokio::test]
async fn at_most_four_run_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let log = dir.path().join("log");
    let log_path = log.display();
    let teller = Teller::start(on_message(format!(
        "echo + >> {log_path}; sleep 0.1; echo - >> {log_path}"
    )));
    for _ in 0..16 {
        teller.notifier.notify(chat("hi"));
    }
    teller.finish().await;
    let (mut running, mut most, mut all) = (0, 0, 0);
    for line in fs::read_to_string(&log).expect("a text").lines() {
        if line == "+" {
            running += 1;
            all += 1;
        } else {
            running -= 1;
        }
        most = most.max(running);
    }
    assert_eq!((all, running), (16, 0));
    assert!(most <= 4, "{most}");
}

#[tokio::test]
async fn what_a_command_starts_ends_with_it_and_a_command_has_ten_seconds() {
    let dir = tempfile::tempdir().expect("a directory");
    let pids = dir.path().join("pids");
    let pids_path = pids.display();
    let began = std::time::Instant::now();
    let teller = Teller::start(on_message(format!(
        "sleep 600 & echo $! >> {pids_path}; test {{content}} = quick || sleep 600"
    )));
    teller.notifier.notify(chat("quick"));
    teller.notifier.notify(chat("slow"));
    teller.finish().await;
    assert!(
        began.elapsed() >= std::time::Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    let written = fs::read_to_string(&pids).expect("a text");
    assert_eq!(written.lines().count(), 2);
    for pid in written
        .lines()
        .filter_map(|line| Pid::from_raw(line.parse().expect("a number")))
    {
        // Whoever looks after orphans may take a moment to take note of it.
        let gone = || test_kill_process(pid).is_err() || is_zombie(pid);
        while !gone() {
            assert!(began.elapsed() < crate::support::PATIENCE * 2, "it lives on");
            tokio::task::yield_now().await;
        }
    }
}

fn is_zombie(pid: Pid) -> bool {
    let path = format!("/proc/{}/stat", pid.as_raw_nonzero());
    fs::read_to_string(path).is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')))
}

impl Teller {
    /// Ends it when `count` values are written.
    async fn done(self, out: &Path, count: usize) {
        let began = std::time::Instant::now();
        let written = || fs::read_to_string(out).map_or(0, |text| text.matches('\u{1e}').count());
        while written() < count {
            assert!(
                began.elapsed() < crate::support::PATIENCE * 4,
                "{} of {count}",
                written()
            );
            tokio::task::yield_now().await;
        }
        self.finish().await;
    }
}
