//! A database that is not what was written: refused or told as damaged, never believed, never replaced by an empty one.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use wardroom::client::{ClientError, Methods};
use wardroom::store::Connection;

use super::ledger::Stream;
use super::world::{Outcome, World, read_all};
use super::{Dice, size};
use crate::support::{Agent, soon};

const PAGE: usize = 4096;

/// "What is stored cannot be trusted."
pub(super) const DAMAGED: i64 = 4091;

/// A server that was stopped, and what it stored.
struct Stored {
    world: World,
    database: PathBuf,
    whole: Vec<u8>,
    /// What every question is answered when nothing is damaged.
    answers: Vec<Value>,
    questions: Vec<Question>,
}

/// A call that only reads, by one of the agents.
struct Question {
    agent: &'static str,
    method: &'static str,
    params: Value,
}

impl Stored {
    async fn new() -> Self {
        let mut world = World::new().await;
        let alice = world.enter("alice").await;
        let bob = world.enter("bob").await;
        for number in 0..240 {
            let stream = if number % 4 == 0 {
                Stream::Direct(bob.agent.id().to_owned())
            } else {
                Stream::Room(world.room.clone())
            };
            let outcome = alice.say(stream, number * number % 6000).await;
            assert_eq!(outcome, Outcome::Acknowledged);
        }
        let questions = questions(&world, &bob.agent).await;
        let answers = ask(&world, &questions).await;
        let answers = answers.into_iter().map(|answer| answer.expect("whole")).collect();
        world.stop();
        let database = world.faults.data_dir().join("wardroom.db");
        let whole = fs::read(&database).expect("it is there");
        Self {
            world,
            database,
            whole,
            answers,
            questions,
        }
    }

    /// Starts a server on `damaged`. `None` when it was refused in an orderly way and nothing was touched.
    fn start(&mut self, what: &str, damaged: &[u8]) -> Option<()> {
        for companion in ["wardroom.db-wal", "wardroom.db-shm"] {
            let _ = fs::remove_file(self.database.with_file_name(companion));
        }
        fs::write(&self.database, damaged).expect("it can be written");
        match self.world.server.try_restart() {
            Ok(()) => Some(()),
            Err((status, output)) => {
                assert_eq!(status.code(), Some(6), "{what}: {output}");
                assert!(!output.contains("panicked"), "{what}: {output}");
                assert!(!output.contains("Controller key: "), "{what}: {output}");
                let left = fs::read(&self.database).expect("it is there");
                assert!(left == damaged, "{what}: a refused database was changed");
                None
            }
        }
    }

    /// A database that must be refused at the start. What was said about it.
    fn expect_refusal(&mut self, what: &str, damaged: &[u8]) -> String {
        fs::write(&self.database, damaged).expect("it can be written");
        let Err((status, output)) = self.world.server.try_restart() else {
            panic!("{what}: taken as whole");
        };
        assert_eq!(status.code(), Some(6), "{what}: {output}");
        assert!(!output.contains("Controller key: "), "{what}: {output}");
        let left = fs::read(&self.database).expect("it is there");
        assert!(left == damaged, "{what}: a refused database was changed");
        output
    }

    /// Every answer is the right one, or that the storage is damaged.
    async fn check(&self, what: &str) {
        for (index, answer) in ask(&self.world, &self.questions).await.into_iter().enumerate() {
            match answer {
                Ok(answer) => assert_eq!(answer, self.answers[index], "{what}: a lie"),
                Err(code) => assert_eq!(code, DAMAGED, "{what}"),
            }
        }
        let output = self.world.server.output();
        assert!(!output.contains("panicked"), "{what}: {output}");
    }
}

/// Everything that can be asked, the history in pages of ten.
async fn questions(world: &World, bob: &Agent) -> Vec<Question> {
    let controller = Agent::enter(&world.server, world.key("controller")).await;
    let mut questions = Vec::new();
    for (agent, name, room) in [(bob, "bob", bob.lobby()), (&controller, "controller", &world.room)] {
        for page in read_all(agent, room).await.chunks(10) {
            let newest = page.last().expect("not empty")["timestamp"].as_i64().expect("a time");
            questions.push(Question {
                agent: name,
                method: "room.history",
                params: json!({ "roomId": room, "limit": page.len(), "before": newest + 1 }),
            });
        }
    }
    for method in ["agent.list", "room.list", "lobby.getMotd"] {
        questions.push(Question {
            agent: "controller",
            method,
            params: json!({}),
        });
    }
    questions.push(Question {
        agent: "bob",
        method: "docs.get",
        params: json!({ "name": "constitution" }),
    });
    questions
}

/// The answers, without what changes by asking; or the codes of errors.
async fn ask(world: &World, questions: &[Question]) -> Vec<Result<Value, i64>> {
    let mut agents = Vec::new();
    for name in ["bob", "controller"] {
        agents.push((name, world.try_enter(name).await));
    }
    let mut answers = Vec::new();
    for question in questions {
        let (_, agent) = agents
            .iter()
            .find(|(name, _)| *name == question.agent)
            .expect("both are there");
        let answer = match agent {
            Ok(speaker) => {
                let calling = speaker.agent.connection.call(question.method, question.params.clone());
                soon(question.method, calling).await.map_err(|error| code(&error))
            }
            Err(error) => Err(code(error)),
        };
        answers.push(answer.map(without_presence));
    }
    answers
}

fn code(error: &ClientError) -> i64 {
    error.code().unwrap_or_else(|| panic!("not answered: {error}"))
}

/// Who is online and how many are in the lobby depends on when it is asked.
fn without_presence(mut answer: Value) -> Value {
    for list in ["agents", "rooms"] {
        for entry in answer.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            for field in ["online", "lastSeen", "memberCount"] {
                entry.as_object_mut().expect("an object").remove(field);
            }
        }
    }
    answer
}

#[tokio::test]
async fn a_damaged_page_is_noticed_or_harmless() {
    let pages = size("WARDROOM_TEST_DAMAGED_PAGES", 200);
    let mut dice = Dice(size("WARDROOM_TEST_SEED", 1));
    let mut stored = Stored::new().await;
    let settings = stored.database.with_file_name("wardroom.json");
    let checked = fs::read_to_string(&settings).expect("a configuration");
    let mut unchecked: Value = serde_json::from_str(&checked).expect("JSON");
    unchecked["storage"] = json!({ "integrityCheck": "off" });
    let count = stored.whole.len() / PAGE;
    let mut refused = 0;
    for number in 0..pages {
        // Every other server does not look at the database when it starts, and must notice when it reads.
        let text = if number % 2 == 0 {
            checked.clone()
        } else {
            unchecked.to_string()
        };
        fs::write(&settings, text).expect("a configuration");
        let page = usize::try_from(dice.below(count as u64)).expect("a small number");
        let mut damaged = stored.whole.clone();
        for byte in &mut damaged[page * PAGE..(page + 1) * PAGE] {
            *byte = u8::try_from(dice.below(256)).expect("a byte");
        }
        let what = format!("damage {number} to page {page} of {count}");
        match stored.start(&what, &damaged) {
            Some(()) => stored.check(&what).await,
            None => refused += 1,
        }
    }
    println!("of {pages} damaged databases {refused} were refused at the start");
    assert!(refused * 2 >= pages, "a start that checks notices a damaged page");
}

#[tokio::test]
async fn a_damaged_header_and_a_cut_file_are_refused() {
    let mut stored = Stored::new().await;
    let whole = stored.whole.clone();
    let with = |place: usize, bytes: &[u8]| {
        let mut damaged = whole.clone();
        damaged[place..place + bytes.len()].copy_from_slice(bytes);
        damaged
    };
    for (what, damaged) in [
        ("no magic", with(0, &[0; 16])),
        ("no header", with(0, &[0; 100])),
        ("another page size", with(16, &[0x02, 0x00])),
        ("more pages than there are", with(28, &[0x00, 0x10, 0x00, 0x00])),
        ("no schema version", with(60, &[0; 4])),
        ("zeros", vec![0; whole.len()]),
        ("one byte", whole[..1].to_vec()),
        ("a header alone", whole[..100].to_vec()),
        ("one page", whole[..PAGE].to_vec()),
        ("half", whole[..whole.len() / 2].to_vec()),
        ("not quite all", whole[..whole.len() - 1].to_vec()),
    ] {
        let output = stored.expect_refusal(what, &damaged);
        let told = ["damaged", "not a wardroom database", "missing or empty"];
        let told = told.iter().any(|words| output.contains(words));
        assert!(told, "{what}: {output}");
    }
    assert!(stored.expect_refusal("nothing", &[]).contains("missing or empty"));

    fs::remove_file(&stored.database).expect("it is there");
    let (status, output) = stored.world.server.try_restart().expect_err("there is no database");
    assert_eq!(status.code(), Some(6), "{output}");
    assert!(output.contains("missing or empty"), "{output}");

    stored.start("whole", &whole).expect("it is whole again");
    stored.check("whole").await;
}

#[tokio::test]
async fn a_database_of_somebody_else_or_of_tomorrow_is_refused() {
    let mut stored = Stored::new().await;
    let place = stored.database.with_file_name("other.db");
    let made = |sql: &str| {
        let connection = Connection::open(&place).expect("it can be made");
        connection.execute_batch(sql).expect("it can be written");
        connection.close().expect("it can be closed");
        let bytes = fs::read(&place).expect("it is there");
        fs::remove_file(&place).expect("it is there");
        bytes
    };
    let foreign = made("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine');");
    let output = stored.expect_refusal("another program's", &foreign);
    assert!(output.contains("not a wardroom database"), "{output}");
    let empty = made("PRAGMA journal_mode = WAL; CREATE TABLE gone (x); DROP TABLE gone;");
    let output = stored.expect_refusal("without tables", &empty);
    assert!(output.contains("missing or empty"), "{output}");

    fs::write(&place, &stored.whole).expect("it can be written");
    let newer = made("PRAGMA user_version = 99;");
    let output = stored.expect_refusal("tomorrow's", &newer);
    assert!(
        output.contains("schema 99") && output.contains("newer version"),
        "{output}"
    );
}

/// Rows that are whole, each for itself, but not where they belong.
#[tokio::test]
async fn a_lost_row_and_a_mailbox_that_points_elsewhere_are_noticed() {
    let mut stored = Stored::new().await;
    for (what, sql) in [
        (
            "a row is gone",
            "DELETE FROM messages WHERE id = (SELECT id FROM messages ORDER BY id LIMIT 1 OFFSET 17)",
        ),
        (
            "a mailbox shows a room",
            "UPDATE mailboxes SET message = (SELECT min(id) FROM messages WHERE recipient IS NULL)",
        ),
        (
            "a mailbox repeats",
            "UPDATE mailboxes SET message = (SELECT min(id) FROM messages WHERE recipient IS NOT NULL)",
        ),
        (
            "a mailbox shows nothing",
            "UPDATE mailboxes SET message = message + 100000",
        ),
    ] {
        stored.start(what, &stored.whole.clone()).expect("it is whole");
        stored.world.stop();
        let connection = Connection::open(&stored.database).expect("it can be opened");
        connection.execute_batch(sql).expect("it can be written");
        connection.close().expect("it can be closed");
        stored.world.server.restart();
        let answers = ask(&stored.world, &stored.questions).await;
        let damaged = answers.iter().filter(|answer| **answer == Err(DAMAGED)).count();
        assert!(damaged > 0, "{what}: not noticed");
        stored.check(what).await;
        stored.world.stop();
    }
}
