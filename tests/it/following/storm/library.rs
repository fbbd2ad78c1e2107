//! The clients of this crate in the storm: they reconnect, resume and send again by themselves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;
use wardroom::client::{Client, Item, Items, Methods as _, Position, SendOptions};

use super::{AFTERWARDS, CLIENTS, Dice, Passage, Storm, is_by_library, mark_of};
use crate::support::soon;

impl Storm {
    /// Sends until told to stop, and a direct message to one of the readers after each message: how many it sent.
    pub(super) async fn send_by_library(self: Arc<Self>, passage: Arc<Passage>, key: String, number: u64) -> u64 {
        let client = connect(&passage, &key).await;
        let mut sent = 0;
        while !self.stop.load(Ordering::Relaxed) {
            self.pace.acquire().await.expect("it stays open").forget();
            let mark = format!("{number}:{sent}");
            client
                .send_message(&self.room, &mark)
                .await
                .expect("it is sent in the end");
            let reader = &self.readers[self.reader_of(number, sent)];
            let options = SendOptions::default();
            client
                .send_direct(reader, &mark, options)
                .await
                .expect("it is sent in the end");
            sent += 1;
        }
        sent
    }

    /// To which reader a sender writes after its message `sent`.
    fn reader_of(&self, number: u64, sent: u64) -> usize {
        usize::try_from((number + sent) % self.readers.len() as u64).expect("a place")
    }

    /// Reads the room and its direct messages until it has everything, losing its connection again and again: the contents
    /// of the room, in order of positions.
    pub(super) async fn listen_by_library(
        self: Arc<Self>,
        passage: Arc<Passage>,
        key: String,
        number: u64,
        rounds: mpsc::Sender<()>,
    ) -> Vec<String> {
        let client = connect(&passage, &key).await;
        let beginning = Position::new(self.epoch.as_str().expect("an epoch"), 0);
        let room = client
            .room(&self.room, Some(beginning.clone()))
            .await
            .expect("followed");
        let direct = client.direct(Some(beginning)).await.expect("followed");
        let (contents, whispered) = tokio::join!(self.read_room(room, &passage, number, rounds), read_direct(direct));
        self.check_direct(&client, &contents, &whispered).await;
        contents
    }

    async fn read_room(
        &self,
        mut room: Items,
        passage: &Passage,
        number: u64,
        rounds: mpsc::Sender<()>,
    ) -> Vec<String> {
        let (mut dice, mut contents) = (Dice(number), Vec::new());
        let mut left = dice.below(100);
        loop {
            let message = match soon("an item", room.next()).await {
                Some(Ok(Item::Message(message))) => message,
                other => panic!("instead of a message: {other:?}"),
            };
            let next = contents.len() as u64 + 1;
            assert_eq!(message.seq, Some(next), "a gap or a repeat");
            if message.content == AFTERWARDS {
                assert_eq!(self.last.load(Ordering::Relaxed), contents.len() as u64);
                return contents;
            }
            if next % CLIENTS == number % CLIENTS {
                self.pace.add_permits(1);
            }
            contents.push(message.content);
            if left == 0 {
                left = dice.below(100);
                passage.cut().await;
                // Whoever counts has gone when the storm is over.
                let _ = rounds.send(()).await;
            }
            left = left.saturating_sub(1);
        }
    }

    /// Compares the direct messages that a reader got with what the room says that was sent.
    async fn check_direct(&self, client: &Client, contents: &[String], whispered: &[String]) {
        let own_id = client.identity().await.expect("known").agent_id;
        let mut expected: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for (sender, sent) in contents.iter().map(|content| mark_of(content)) {
            if is_by_library(sender) && self.readers[self.reader_of(sender, sent)] == own_id {
                expected.entry(sender).or_default().push(sent);
            }
        }
        let mut got: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for (sender, sent) in whispered.iter().map(|content| mark_of(content)) {
            got.entry(sender).or_default().push(sent);
        }
        assert_eq!(got, expected);
    }
}

async fn read_direct(mut direct: Items) -> Vec<String> {
    let mut contents = Vec::new();
    loop {
        let message = match soon("an item", direct.next()).await {
            Some(Ok(Item::Direct(message))) => message,
            other => panic!("instead of a direct message: {other:?}"),
        };
        assert_eq!(message.seq, Some(contents.len() as u64 + 1), "a gap or a repeat");
        if message.content == AFTERWARDS {
            return contents;
        }
        contents.push(message.content);
    }
}

/// Connects, as often as it takes: the server may be down just now.
async fn connect(passage: &Passage, key: &str) -> Client {
    let connecting = async {
        loop {
            match Client::connect(passage.options(key)).await {
                Ok(client) => return client,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    soon("a connection", connecting).await
}
