//! Connections that end without a word, and signaling that fails or comes and goes.

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use wardroom::domain::Permission;
use wardroom::p2p::LinkEvent;

use super::ours::pair;
use super::signaling;
use crate::support::link::options;
use crate::support::{NodePeer, TestLink};

fn is_lost(event: &LinkEvent) -> bool {
    matches!(event, LinkEvent::Disconnected { .. })
}

#[tokio::test]
async fn a_peer_that_is_killed_is_noticed_and_its_successor_found() {
    let (_server, url) = signaling();
    for peer_is_first in [false, true] {
        let room = format!("room-{peer_is_first}");
        let (mut link, peer) = if peer_is_first {
            let peer = NodePeer::enter(&url, &room, &json!({})).await;
            (TestLink::enter(&url, &room, Permission::Helper).await, peer)
        } else {
            let link = TestLink::enter(&url, &room, Permission::Helper).await;
            (link, NodePeer::enter(&url, &room, &json!({})).await)
        };
        link.connected().await;
        peer.kill().await;
        let mut peer = NodePeer::enter(&url, &room, &json!({})).await;
        link.wait_for("the loss", is_lost).await;
        link.connected().await;
        peer.message("handshake-ack").await;
        link.chat("again").await.expect("sent");
        peer.message("chat").await;
        link.close().await;
    }
}

#[tokio::test]
async fn a_peer_of_ours_that_comes_anew_replaces_the_connection() {
    let (_server, url) = signaling();
    let (mut one, two) = pair(&url, Permission::Helper, Permission::Helper).await;
    two.close().await;
    let mut two = TestLink::start(options(&url, "room", "Two again", Permission::Helper));
    one.wait_for("the loss", is_lost).await;
    assert_eq!(one.connected().await.0, "Two again");
    two.connected().await;
    one.chat("again").await.expect("sent");
    two.received().await;
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn a_level_outlives_the_connection() {
    let (_server, url) = signaling();
    let (mut one, two) = pair(&url, Permission::Intimate, Permission::Intimate).await;
    one.link.set_permission(Permission::Chat).await;
    one.wait_for("the change", |event| {
        matches!(event, LinkEvent::PermissionChanged { .. })
    })
    .await;
    two.close().await;
    let mut two = TestLink::start(options(&url, "room", "Two again", Permission::Intimate));
    assert_eq!(one.connected().await.1, Permission::Chat);
    assert_eq!(two.connected().await.1, Permission::Chat);
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn a_connection_outlives_its_signaling_which_is_entered_again() {
    let (server, _) = signaling();
    let door = Door::open(server.authority()).await;
    let (mut one, mut two) = pair(&door.url, Permission::Intimate, Permission::Intimate).await;
    door.shut();
    one.chat("without signaling").await.expect("sent");
    assert_eq!(two.received().await.0["payload"]["content"], "without signaling");
    door.reopen();
    // Both come back into the room, and neither takes the other one for a new peer.
    for link in [&mut one, &mut two] {
        link.wait_for("the room", |event| matches!(event, LinkEvent::Role { .. }))
            .await;
    }
    two.chat("with signaling").await.expect("sent");
    assert_eq!(one.received().await.0["payload"]["content"], "with signaling");
    one.close().await;
    two.close().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_and_tried_again() {
    let url = format!("ws://127.0.0.1:{}", free_port());
    let mut impatient = options(&url, "room", "One", Permission::Helper);
    impatient.intervals.give_up_after = Some(2);
    let mut link = TestLink::start(impatient);
    let refused = "Signaling: Connection refused (os error 111)";
    for attempt in 1..=2 {
        assert_eq!(link.error().await, refused);
        let reason = "signaling-lost-before-p2p".to_owned();
        assert_eq!(link.next().await, LinkEvent::Disconnected { reason });
        assert_eq!(link.next().await, LinkEvent::Reconnecting { attempt });
    }
    link.wait_for("the end of trying", |event| *event == LinkEvent::GaveUp { attempts: 2 })
        .await;
    link.wait_for("the end", |event| *event == LinkEvent::Closed).await;
}

#[tokio::test]
async fn signaling_that_was_away_does_not_keep_two_from_meeting_later() {
    let (server, _) = signaling();
    let door = Door::open(server.authority()).await;
    let mut one = TestLink::enter(&door.url, "room", Permission::Helper).await;
    door.shut();
    one.wait_for("the loss", is_lost).await;
    door.reopen();
    let mut two = TestLink::start(options(&door.url, "room", "Two", Permission::Helper));
    one.connected().await;
    two.connected().await;
    one.close().await;
    two.close().await;
}

/// A way to a server that can be cut, and opened again at the same address.
struct Door {
    url: String,
    is_shut: watch::Sender<bool>,
    _task: JoinSet<()>,
}

impl Door {
    async fn open(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("ws://{}/signal/", listener.local_addr().expect("an address"));
        let (is_shut, shut) = watch::channel(false);
        let target = target.to_owned();
        let task = JoinSet::from_iter([async move {
            let mut ways = JoinSet::new();
            loop {
                let (mut near, _) = listener.accept().await.expect("a connection");
                let (target, mut shut) = (target.clone(), shut.clone());
                ways.spawn(async move {
                    let passing = async {
                        let mut far = TcpStream::connect(&target).await?;
                        tokio::io::copy_bidirectional(&mut near, &mut far).await
                    };
                    tokio::select! {
                        _ = shut.wait_for(|shut| *shut) => {}
                        _ = passing => {}
                    }
                });
            }
        }]);
        Self {
            url,
            is_shut,
            _task: task,
        }
    }

    fn shut(&self) {
        self.is_shut.send_replace(true);
    }

    fn reopen(&self) {
        self.is_shut.send_replace(false);
    }
}

/// A port that nobody listens on. Somebody may take it before it is used; the kernel gives others first.
fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port().to_string()
}
