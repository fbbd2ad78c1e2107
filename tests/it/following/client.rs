//! The client of this crate, through connections that are cut and a server that is killed.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use wardroom::client::{
    ApiKey, Backoff, Client, ClientOptions, ConnectOptions, Endpoint, Item, Items, Methods, Position, ResetReason,
};

use crate::support::{TestServer, soon};

/// An address that stays while the server behind it comes and goes, and whose connections can be cut.
pub(super) struct Passage {
    url: String,
    server: watch::Sender<String>,
    open: Arc<Mutex<JoinSet<()>>>,
    _accepting: JoinSet<()>,
}

impl Passage {
    pub(super) async fn to(server: &TestServer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("ws://{}/", listener.local_addr().expect("an address"));
        let (server, address) = watch::channel(authority(server));
        let open: Arc<Mutex<JoinSet<()>>> = Arc::default();
        let mut accepting = JoinSet::new();
        accepting.spawn({
            let open = Arc::clone(&open);
            async move {
                while let Ok((mut near, _)) = listener.accept().await {
                    let address = address.borrow().clone();
                    open.lock().await.spawn(async move {
                        if let Ok(mut far) = TcpStream::connect(address).await {
                            // However it ends, both ends learn of it.
                            drop(copy_bidirectional(&mut near, &mut far).await);
                        }
                    });
                }
            }
        });
        Self {
            url,
            server,
            open,
            _accepting: accepting,
        }
    }

    pub(super) async fn cut(&self) {
        self.open.lock().await.abort_all();
    }

    /// The server is behind another address now.
    pub(super) fn lead_to(&self, server: &TestServer) {
        self.server.send_replace(authority(server));
    }

    pub(super) fn options(&self, key: &str) -> ClientOptions {
        let endpoint = Endpoint::parse(&self.url).expect("an address");
        ClientOptions {
            backoff: Backoff {
                first: Duration::from_millis(20),
                most: Duration::from_millis(200),
            },
            connect: ConnectOptions {
                // What is followed is read as items only.
                event_capacity: 0,
                ..ConnectOptions::default()
            },
            iteration_capacity: 16,
            ..ClientOptions::new(endpoint, ApiKey::new(key))
        }
    }
}

fn authority(server: &TestServer) -> String {
    let url = server.url().strip_prefix("ws://").expect("a plain address");
    url.trim_end_matches('/').to_owned()
}

/// Reads messages up to `count`, which lie next to each other from the first.
async fn read(mut items: Items, count: u64) -> Vec<String> {
    let mut contents = Vec::new();
    for seq in 1..=count {
        match soon("an item", items.next()).await {
            Some(Ok(Item::Message(message))) => {
                assert_eq!(message.seq, Some(seq), "a gap or a repeat");
                contents.push(message.content);
            }
            other => panic!("instead of message {seq}: {other:?}"),
        }
    }
    contents
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_reads_each_message_once_and_in_order_and_sends_each_once() {
    const COUNT: u64 = 150;
    let mut server = TestServer::start();
    let passage = Passage::to(&server).await;
    let controller = server.controller().await;
    let room = controller.create_room("Ops", "public").await;
    let key = controller.invite("bob").await;
    let beginning = Position::new(controller.welcome["epoch"].as_str().expect("an epoch"), 0);
    let bob = Client::connect(passage.options(&key)).await.expect("the key is good");
    bob.join_room(&room).await.expect("a public room");
    let reader = Client::connect(passage.options(&key)).await.expect("the key is good");
    let own = bob.room(&room, Some(beginning.clone())).await.expect("followed");
    let other = reader.room(&room, Some(beginning)).await.expect("followed");
    let mut readings = JoinSet::new();
    for items in [own, other] {
        readings.spawn(read(items, COUNT));
    }
    let expected: Vec<String> = (0..COUNT).map(|number| number.to_string()).collect();
    for (number, content) in (0..).zip(&expected) {
        if number == COUNT / 2 {
            server.kill();
            server.restart();
            passage.lead_to(&server);
        }
        let cut = async {
            if number % 12 == 5 {
                passage.cut().await;
            }
        };
        let (receipt, ()) = tokio::join!(bob.send_message(&room, content), cut);
        assert_eq!(receipt.expect("it is sent in the end").seq, Some(number + 1));
    }
    for contents in readings.join_all().await {
        assert_eq!(contents, expected);
    }
    let page = bob.room_history_after(&room, Some(3), 0).await.expect("a page");
    let before = bob.room_history_before(&room, None, 4).await.expect("a page");
    assert_eq!(page.messages, before.messages);
    drop(controller);
}

#[tokio::test]
async fn a_new_client_goes_on_where_the_old_one_was_and_is_told_of_another_database() {
    let server = TestServer::start();
    let passage = Passage::to(&server).await;
    let controller = server.controller().await;
    let (lobby, key) = (controller.lobby().to_owned(), controller.invite("bob").await);
    let bob = Client::connect(passage.options(&key)).await.expect("the key is good");
    let bob_id = bob.identity().await.expect("known").agent_id;
    let dm = |content: &str| json!({"toAgentId": bob_id, "content": content});
    let mut items = bob.room(&lobby, None).await.expect("followed");
    let mut direct = bob.direct(None).await.expect("followed");
    controller.say(&lobby, "one").await;
    controller.call("message.dm", dm("first")).await;
    assert!(matches!(
        soon("an item", items.next()).await,
        Some(Ok(Item::Message(_)))
    ));
    assert!(matches!(
        soon("an item", direct.next()).await,
        Some(Ok(Item::Direct(_)))
    ));
    let positions = bob.positions();
    drop(bob);
    controller.say(&lobby, "two").await;
    controller.call("message.dm", dm("second")).await;

    let options = ClientOptions {
        positions,
        ..passage.options(&key)
    };
    let bob = Client::connect(options).await.expect("the key is good");
    let mut items = bob.room(&lobby, None).await.expect("followed");
    let Some(Ok(Item::Message(message))) = soon("an item", items.next()).await else {
        panic!("no message")
    };
    assert_eq!(message.content, "two");
    let mut direct = bob.direct(None).await.expect("followed");
    let Some(Ok(Item::Direct(message))) = soon("an item", direct.next()).await else {
        panic!("no direct message")
    };
    assert_eq!(message.content, "second");
    let elsewhere = Position::new("0198c0de-0000-7000-8000-000000000000", 1);
    let mut items = bob.room(&lobby, Some(elsewhere)).await.expect("followed");
    let Some(Ok(Item::Reset(reset))) = soon("an item", items.next()).await else {
        panic!("no reset")
    };
    assert_eq!((reset.reason, reset.resumes_from), (ResetReason::Epoch, 3));
}
