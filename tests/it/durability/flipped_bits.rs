//! One flipped bit in a stored message: found when it is read.

use std::fs;

use serde_json::json;

use super::damage::DAMAGED;
use super::ledger::Stream;
use super::world::World;
use super::{Dice, size};

/// Where the texts lie in the file. Pages may hold former copies of a row, which nobody reads.
fn places(file: &[u8], text: &[u8]) -> Vec<usize> {
    file.windows(text.len())
        .enumerate()
        .filter(|(_, window)| *window == text)
        .map(|(place, _)| place)
        .collect()
}

#[tokio::test]
async fn a_flipped_bit_in_a_message_is_found_when_it_is_read() {
    let count = size("WARDROOM_TEST_FLIPPED_BITS", 200);
    let mut dice = Dice(size("WARDROOM_TEST_SEED", 1));
    let mut world = World::new().await;
    let alice = world.enter("alice").await;
    let bob = world.enter("bob").await;
    let lobby = bob.agent.lobby().to_owned();
    // What is read when the server starts stays whole: the last of each stream.
    let mut messages = Vec::new();
    for number in 0..=count + 1 {
        let direct = number % 2 == 1;
        let stream = if direct {
            Stream::Direct(bob.agent.id().to_owned())
        } else {
            Stream::Room(world.room.clone())
        };
        let (method, params, content) = alice.compose(stream, 40);
        let receipt = alice.agent.call(method, params).await;
        let room = if direct { lobby.clone() } else { world.room.clone() };
        messages.push((room, content, receipt["timestamp"].as_i64().expect("a time")));
    }
    messages.truncate(usize::try_from(count).expect("a small number"));
    world.stop();

    let database = world.faults.data_dir().join("wardroom.db");
    let mut file = fs::read(&database).expect("it is there");
    for (_, content, _) in &messages {
        // A row holds the name of the sender, and right after it the content.
        let mut text = b"alice".to_vec();
        text.extend_from_slice(content.as_bytes());
        let places = places(&file, &text);
        assert!(!places.is_empty(), "not stored as expected: {content}");
        let length = if dice.below(4) == 0 { 5 } else { text.len() as u64 };
        let (byte, bit) = (
            usize::try_from(dice.below(length)).expect("a small number"),
            dice.below(8),
        );
        for place in places {
            file[place + byte] ^= 1 << bit;
        }
    }
    fs::write(&database, file).expect("it can be written");

    world.server.restart();
    let bob = world.enter("bob").await;
    for (room, content, at) in &messages {
        let params = json!({ "roomId": room, "limit": 1, "before": at + 1 });
        let code = bob.agent.refused("room.history", params).await;
        assert_eq!(code, DAMAGED, "{content}");
    }
    // What is whole is served.
    for room in [&world.room, &lobby] {
        assert_eq!(bob.agent.history(room, 1, None).await.len(), 1);
    }
    assert!(!world.server.output().contains("panicked"));
}
