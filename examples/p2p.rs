//! An agent that answers: it enters a room, and sends back every chat that it gets.
//!
//! ```sh
//! wardroom signal --port 8765
//! cargo run --release --example p2p -- ws://127.0.0.1:8765/signal/ my-room
//! wardroom connect my-room --signal ws://127.0.0.1:8765/signal/
//! ```

#![expect(clippy::print_stdout, reason = "it shows what happens")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use wardroom::p2p::{Envelope, Link, LinkEvent, LinkOptions};
use wardroom::runtime::clock::{SystemClock, SystemEntropy};
use wardroom::runtime::lifecycle::Lifecycle;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let signal_url = arguments.next().ok_or("usage: p2p SIGNAL_URL [ROOM]")?;
    let options = LinkOptions {
        room: arguments.next(),
        ..LinkOptions::new(signal_url, "Echo")
    };

    // Ctrl-C stops the link; the lifecycle knows all its tasks.
    let lifecycle = Lifecycle::new();
    lifecycle.listen_for_signals()?;
    let (link, mut events) = Link::start(
        options,
        &lifecycle,
        Arc::new(SystemClock::default()),
        Arc::new(SystemEntropy),
    );

    while let Some(event) = events.recv().await {
        match event {
            LinkEvent::Room { room_id } => println!("waiting in room {room_id}"),
            LinkEvent::Connected { peer, permission } => println!("linked to {peer} at level {permission}"),
            LinkEvent::Received { value, refused, .. } => {
                // What is acknowledged is not sent again, so a real agent stores a message first.
                if let Some(id) = value.get("id") {
                    link.send(&Envelope::ack(link.author(), id)?).await?;
                }
                let content = value["payload"]["content"].as_str();
                if let (None, "chat", Some(content)) = (refused, value["type"].as_str().unwrap_or_default(), content) {
                    let reply = Envelope::chat(link.author(), content, value["id"].as_str())?;
                    link.send(&reply).await?;
                }
            }
            LinkEvent::Disconnected { reason } => println!("disconnected: {reason}"),
            LinkEvent::Error { message } => eprintln!("error: {message}"),
            _ => {}
        }
    }
    lifecycle.stop();
    lifecycle.wait(Duration::from_secs(2), Duration::from_secs(1)).await?;
    Ok(())
}
