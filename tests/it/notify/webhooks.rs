//! POST requests: what they hold, when they are repeated, and where they never go.

use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use wardroom::notify::{Adapter, Event, NotifyOptions, WebhookOptions};

use super::server::{Reply, Request, Server};
use super::{BRIEFLY, Teller, chat};
use crate::support::soon;

fn webhook(url: String) -> WebhookOptions {
    WebhookOptions {
        allow_private: true,
        backoff: BRIEFLY,
        ..WebhookOptions::new(url)
    }
}

fn start(options: WebhookOptions) -> Teller {
    Teller::start(NotifyOptions {
        adapter: Some(Adapter::Webhook(options)),
        ..NotifyOptions::default()
    })
}

/// HMAC-SHA256 as RFC 2104 writes it down.
fn hmac(key: &[u8], text: &[u8]) -> String {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::digest([&block.map(|byte| byte ^ 0x36), text].concat());
    hex::encode(Sha256::digest([&block.map(|byte| byte ^ 0x5C)[..], &inner].concat()))
}

#[tokio::test]
async fn an_event_is_posted_and_signed() {
    let mut server = Server::start(|_, _| Reply::status(204)).await;
    let mut options = webhook(server.url("/hook?a=b"));
    options.headers = vec![("X-Own".into(), "own".into())];
    options.secret = Some("the secret".into());
    let teller = start(options);
    teller.notifier.notify(chat("<b>hi</b> & co"));
    let request = server.next().await;
    assert_eq!(request.path, "/hook?a=b");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("host"), Some(server.address.to_string().as_str()));
    assert_eq!(request.header("x-own"), Some("own"));
    let signature = format!("sha256={}", hmac(b"the secret", &request.body));
    assert_eq!(request.header("x-webhook-signature"), Some(signature.as_str()));
    let told = request.json();
    let expected = json!({
        "event": "message", "ts": told["ts"], "roomId": "r1", "from": "Peer", "type": "chat", "content": "<b>hi</b> & co",
    });
    assert_eq!(told, expected);
    assert!(told["ts"].as_i64().is_some_and(|ts| ts > 1_600_000_000_000), "{told}");
    teller.finish().await;
    assert!(server.is_quiet());
}

#[tokio::test]
async fn without_a_secret_nothing_is_signed() {
    let mut server = Server::start(|_, _| Reply::status(200)).await;
    let teller = start(webhook(server.url("")));
    teller.notifier.notify(Event::Room { room: "r1".into() });
    let request = server.next().await;
    assert_eq!(
        (request.path.as_str(), request.header("x-webhook-signature")),
        ("/", None)
    );
    teller.finish().await;
}

#[tokio::test]
async fn what_fails_for_a_while_is_tried_again_and_known_by_its_mark() {
    let statuses = [503, 429, 200, 200];
    let mut server = Server::start(move |number, _| Reply::status(statuses[number])).await;
    let teller = start(webhook(server.url("/")));
    teller.notifier.notify(chat("one"));
    teller.notifier.notify(chat("two"));
    let mark = |request: &Request| request.header("x-wardroom-delivery").expect("a mark").to_owned();
    let first = server.next().await;
    for _ in 1..3 {
        let again = server.next().await;
        assert_eq!((mark(&again), &again.body), (mark(&first), &first.body));
    }
    let other = server.next().await;
    assert_eq!(other.json()["content"], "two");
    assert_ne!(mark(&other), mark(&first));
    teller.finish().await;
}

#[tokio::test]
async fn a_refusal_and_a_redirection_are_final() {
    let mut elsewhere = Server::start(|_, _| Reply::status(200)).await;
    let location: &'static str = Box::leak(format!("Location: {}\r\n", elsewhere.url("/")).into_boxed_str());
    let mut server = Server::start(move |number, _| match number {
        0 => Reply::status(400),
        1 => Reply::With(302, location, String::new()),
        2 => Reply::With(307, location, String::new()),
        _ => Reply::status(200),
    })
    .await;
    let teller = start(webhook(server.url("/")));
    for number in 0..4 {
        teller.notifier.notify(chat(&number.to_string()));
    }
    for number in 0..4 {
        assert_eq!(server.next().await.json()["content"], number.to_string());
    }
    teller.finish().await;
    assert!(server.is_quiet() && elsewhere.is_quiet());
}

#[tokio::test]
async fn whoever_does_not_answer_or_never_ends_is_given_up_and_tried_again() {
    let mut server = Server::start(|number, _| match number {
        0 => Reply::Nothing,
        1 => Reply::Endless,
        _ => Reply::status(200),
    })
    .await;
    let mut options = webhook(server.url("/"));
    options.timeout = std::time::Duration::from_millis(500);
    let teller = start(options);
    teller.notifier.notify(chat("one"));
    for _ in 0..3 {
        assert_eq!(server.next().await.json()["content"], "one");
    }
    teller.finish().await;
}

/// Ways to write this machine, and other addresses that no request may reach.
const FORMS: [&str; 32] = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "0177.1",
    "0",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:0:0:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "10.0.0.1",
    "192.168.0.1",
    "172.16.0.1",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "100.100.100.200",
    "[fd00:ec2::254]",
    "[fe80::1]",
];

#[tokio::test]
async fn no_way_to_write_an_address_leads_where_requests_must_not_go() {
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    for form in FORMS {
        let url = format!("http://{form}:{port}/");
        let lifecycle = wardroom::runtime::lifecycle::Lifecycle::new();
        let options = NotifyOptions {
            adapter: Some(Adapter::Webhook(WebhookOptions::new(url))),
            ..NotifyOptions::default()
        };
        let clock = std::sync::Arc::new(wardroom::runtime::clock::SystemClock::default());
        // Some are no addresses at all, and refused at the start.
        if let Ok((notifier, _)) = wardroom::notify::Notifier::start(options, &lifecycle, clock) {
            notifier.notify(chat(form));
        }
        lifecycle.stop();
        let wait = lifecycle.wait(crate::support::PATIENCE, crate::support::PATIENCE);
        soon("the end", wait).await.expect("nothing is stuck");
    }
    // The first that comes is the test itself.
    let own = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
    let (_, peer) = soon("a connection", listener.accept()).await.expect("a connection");
    assert_eq!(peer, own.local_addr().expect("an address"));
}

#[test]
fn options_that_cannot_work_are_refused_at_the_start_and_no_secret_is_told() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _inside = runtime.enter();
    let refused = |options: WebhookOptions| {
        let lifecycle = wardroom::runtime::lifecycle::Lifecycle::new();
        let options = NotifyOptions {
            adapter: Some(Adapter::Webhook(options)),
            ..NotifyOptions::default()
        };
        let clock = std::sync::Arc::new(wardroom::runtime::clock::SystemClock::default());
        let started = wardroom::notify::Notifier::start(options, &lifecycle, clock);
        started.err().expect("refused").to_string()
    };
    for url in [
        "",
        "secret",
        "ftp://secret.example/",
        "file:///secret",
        "http://",
        "http://secret@host/",
        "http:///secret",
        "gopher://secret:70/",
        "http://a b/secret",
        "//secret/",
    ] {
        let told = refused(WebhookOptions::new(url));
        assert!(!told.contains("secret"), "{told}");
    }
    for (name, value) in [
        ("Host", "x"),
        ("content-length", "1"),
        ("bad name", "x"),
        ("X-Bad", "a\r\nX-Secret: b"),
    ] {
        let mut options = WebhookOptions::new("http://a.example/");
        options.headers = vec![(name.into(), value.into())];
        let told = refused(options);
        assert!(!told.contains("Secret"), "{told}");
    }
}
