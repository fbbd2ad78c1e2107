//! What becomes of a request whose method panics. No method does, so these tests put some into the table that do.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::table::{Call, Route};
use super::{Control, Flow, Outlet, Peer, PeerSettings, Rpc, RpcLimits, Session};
use crate::domain::{EndReason, Epoch, Name, Refusal};
use crate::hub::acts::SetLock;
use crate::hub::{self, Act, Desk, ExchangeLimits, Guides, Hub, HubOptions, HubThreads, Limits, Link, Mark, Offer};
use crate::protocol::envelope::FrameLimits;
use crate::protocol::methods::{Method, OperatorKick, OperatorLock, OperatorUnlock};
use crate::protocol::types::{OK, Status};
use crate::rpc::reply::Reply;
use crate::runtime::clock::{SystemClock, SystemEntropy};
use crate::runtime::metrics::Metrics;
use crate::store::{self, Database, OpenOptions, WriterOptions};

/// Collects answers.
#[derive(Default)]
struct Answers {
    queued: Mutex<Vec<Value>>,
    arrived: Notify,
}

impl Link for Answers {
    fn push(&self, _event: &Bytes) -> bool {
        false
    }

    fn offer(&self, _event: &Bytes) -> Offer {
        Offer::Taken {
            flush: false,
            mark: Mark(0),
        }
    }

    fn has_sent(&self, _mark: Mark) -> bool {
        true
    }

    fn has_room(&self, _bytes: usize) -> BoxFuture<'_, bool> {
        Box::pin(std::future::ready(true))
    }

    fn flush(&self) {
        self.arrived.notify_one();
    }

    fn end(&self, _farewell: &Bytes, _reason: &EndReason) {}
}

impl Outlet for Answers {
    fn answer(&self, json: Vec<u8>) -> bool {
        let answer = serde_json::from_slice(&json).expect("an answer is JSON");
        self.queued.lock().unwrap_or_else(PoisonError::into_inner).push(answer);
        true
    }

    fn hold(&self) {}

    fn release(&self) {}
}

impl Answers {
    async fn next(&self) -> Value {
        loop {
            let mut queued = std::mem::take(&mut *self.queued.lock().unwrap_or_else(PoisonError::into_inner));
            if let Some(answer) = queued.pop() {
                assert_eq!(queued, [] as [Value; 0], "one answer to one frame");
                return answer;
            }
            self.arrived.notified().await;
        }
    }
}

struct NoControl;

impl Control for NoControl {
    fn addresses(&self) -> Vec<String> {
        Vec::new()
    }

    fn uptime_ms(&self) -> u64 {
        0
    }

    fn stop(&self, _restart: bool) {}

    fn spawn(&self, _name: &'static str, _work: BoxFuture<'static, ()>) {}
}

/// Locks the server, and panics before that is decided.
struct LockAndPanic;

impl Act for LockAndPanic {
    type Receipt = ();

    fn run(&self, desk: &mut Desk<'_>) -> Result<(), Refusal> {
        SetLock { locked: true }.run(desk)?;
        panic!("an act that panics half-way");
    }
}

fn panicking(route: &mut Route) {
    match route.spec.name {
        "operator.lock" => {
            route.run = |context, _| {
                let call: Call<(), Status> = Call {
                    rpc: context.rpc,
                    caller: context.caller,
                    feed: context.feed,
                    params: (),
                    reply: Reply::new(context.responder),
                    note: context.note,
                };
                Box::pin(call.submit(LockAndPanic, |()| OK))
            };
        }
        "operator.unlock" => {
            route.run = |context, _| {
                Box::pin(async move {
                    let _context = context;
                    panic!("a handler that panics");
                })
            };
        }
        "operator.kick" => route.run = |_, _| panic!("parameters that panic"),
        _ => {}
    }
}

fn open(directory: &std::path::Path) -> (Hub, HubThreads) {
    let options = OpenOptions {
        data_dir: directory.to_owned(),
        database: directory.join("wardroom.db"),
        durable: false,
        readers: 1,
        check_everything: None,
        new_epoch: Epoch(Uuid::from_u128(1)),
    };
    let lock = store::lock(&options.data_dir, &options.database).expect("nobody else's");
    let mut database: Database = store::open(&options, lock).expect("a database");
    let lobby_name = Name::parse("Lobby", 100).expect("a name");
    hub::first_run(
        &mut database.connection,
        &lobby_name,
        &SystemClock::default(),
        &SystemEntropy,
    )
    .expect("a first run");
    let options = HubOptions {
        limits: Limits {
            rooms: 10,
            rooms_per_agent: 10,
            message_length: 100,
            data_bytes: 100,
            peers_per_room: 10,
            peers: 10,
            opening_ms: 1000,
            tasks_per_room: 10,
            lease_ms: 1000,
            longest_lease_ms: 1000,
            name_length: 100,
            description_length: 100,
            reason_length: 100,
            document_length: 65_536,
            history_page: 10,
            history_bytes: 100_000,
            lobby_history: 0,
            room_history: 0,
            sessions_per_agent: 8,
            keys_per_agent: 8,
            key_overlap_ms: 0,
            enrolment_expiry_ms: 1000,
            audit_rows: 100,
            messages_per_second: 0,
            message_burst: 1,
            changes_per_second: 0,
            change_burst: 1,
            bytes_per_second: 0,
            byte_burst: 1,
            joins_per_second: 0,
            announcements_per_second: 0,
            announcement_burst: 1,
            join_burst: 1,
            exchange: ExchangeLimits {
                answers: 0,
                agents: 2,
                window_ms: 1,
            },
        },
        lobby_name,
        writer: WriterOptions { queue: 16, group: 16 },
        durable: false,
        documents: directory.join("docs"),
        guides: Guides {
            constitution: "",
            controller: "",
            participant: "",
            protocol: String::new(),
        },
        encode: Arc::new(|_| Bytes::new()),
        clock: Arc::new(SystemClock::default()),
        entropy: Arc::new(SystemEntropy),
        metrics: Metrics::default(),
        fatal: CancellationToken::new(),
    };
    hub::start(database, options).expect("a room model")
}

fn session(hub: &Hub) -> (Session, Arc<Answers>) {
    let limits = RpcLimits {
        frame: FrameLimits {
            depth: 64,
            batch: 100,
            id: 256,
        },
        auth_attempts: 5,
        auth_failures_per_second: 0,
        auth_failure_burst: 1,
        in_flight: 2,
        batch_answer_bytes: 100_000,
    };
    let rpc = Rpc::new(hub.clone(), limits, PeerSettings::default(), Arc::new(NoControl));
    let mut rpc = Arc::into_inner(rpc).expect("nobody else has it yet");
    rpc.routes.values_mut().for_each(panicking);
    let answers = Arc::new(Answers::default());
    let session = Session::new(Arc::new(rpc), Arc::clone(&answers) as Arc<dyn Outlet>, Peer::Operator);
    (session, answers)
}

fn request(id: u32, method: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method })
}

fn assert_internal_error(answer: &Value, id: u32) {
    assert_eq!(answer["id"], id, "{answer}");
    assert_eq!(answer["error"]["code"], -32603, "{answer}");
    let request_id = answer["error"]["data"]["requestId"].as_str().unwrap_or_default();
    assert_eq!(request_id.len(), 16, "{answer}");
}

#[tokio::test]
async fn a_panic_is_answered_and_the_connection_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let (hub, _threads) = open(directory.path());
    let (mut session, answers) = session(&hub);
    // More often than there are places for requests that wait: each panic gives its place back.
    for id in 0..4 {
        for method in [OperatorKick::NAME, OperatorUnlock::NAME, OperatorLock::NAME] {
            let flow = session.receive(&request(id, method).to_string()).await;
            assert_eq!(flow, Flow::Continue, "{method}");
            assert_internal_error(&answers.next().await, id);
        }
    }
    assert_eq!(
        session.receive(&request(9, "operator.status").to_string()).await,
        Flow::Continue
    );
    assert_eq!(answers.next().await["result"]["status"], "ok");
}

#[tokio::test]
async fn a_panic_in_a_batch_is_one_of_its_answers() {
    let directory = tempfile::tempdir().expect("a directory");
    let (hub, _threads) = open(directory.path());
    let (mut session, answers) = session(&hub);
    let batch = json!([
        request(0, OperatorKick::NAME),
        request(1, OperatorLock::NAME),
        request(2, OperatorUnlock::NAME),
        { "jsonrpc": "2.0", "method": OperatorUnlock::NAME },
        request(3, "operator.status"),
    ]);
    assert_eq!(session.receive(&batch.to_string()).await, Flow::Continue);
    let answer = answers.next().await;
    assert_eq!(answer.as_array().map(Vec::len), Some(4), "{answer}");
    for id in 0..3_u32 {
        assert_internal_error(&answer[id as usize], id);
    }
    assert_eq!(answer[3]["result"]["status"], "ok");
}

#[tokio::test]
async fn nothing_is_kept_of_an_act_that_panics() {
    let directory = tempfile::tempdir().expect("a directory");
    let (hub, threads) = open(directory.path());
    let (mut session, answers) = session(&hub);
    session.receive(&request(1, OperatorLock::NAME).to_string()).await;
    assert_internal_error(&answers.next().await, 1);
    assert!(!hub.directory().is_locked());
    drop((session, hub));
    tokio::task::spawn_blocking(|| threads.join()).await.expect("an end");

    let (hub, _threads) = open(directory.path());
    assert!(!hub.directory().is_locked());
}
