use std::sync::atomic::AtomicBool;

use super::*;
use crate::config::Signaling;
use crate::runtime::clock::SystemEntropy;

/// Keeps what a client is told.
#[derive(Default)]
struct Told {
    frames: Mutex<Vec<String>>,
    probed: AtomicBool,
    ended: Mutex<Option<Expiry>>,
}

impl Outlet for Told {
    fn send(&self, frame: &str) {
        self.frames.lock().expect("no panic").push(frame.to_owned());
    }

    fn probe(&self) {
        self.probed.store(true, Ordering::Relaxed);
    }

    fn end(&self, why: Expiry) {
        *self.ended.lock().expect("no panic") = Some(why);
    }
}

impl Told {
    /// What it was told since this was asked last.
    fn news(&self) -> Vec<ServerFrame> {
        let frames = std::mem::take(&mut *self.frames.lock().expect("no panic"));
        let read = |text: String| ServerFrame::parse(&text).expect("a frame").expect("a known one");
        frames.into_iter().map(read).collect()
    }

    fn ended(&self) -> Option<Expiry> {
        *self.ended.lock().expect("no panic")
    }
}

fn rooms(change: impl FnOnce(&mut SignalingLimits)) -> Arc<Rooms> {
    let mut limits = SignalingLimits::from(&Signaling::default());
    change(&mut limits);
    Arc::new(Rooms::new(limits, Arc::new(SystemEntropy), Metrics::default()))
}

fn name(text: &str) -> RoomName {
    RoomName::parse(text).expect("a name")
}

fn ready(role: Role, room: &str) -> ServerFrame {
    ServerFrame::Ready { role, room: name(room) }
}

/// Enters `room` from this machine.
fn enter(rooms: &Arc<Rooms>, room: &str) -> Result<(Seat, Arc<Told>), Refusal> {
    let told = Arc::new(Told::default());
    let outlet = Arc::clone(&told) as Arc<dyn Outlet>;
    rooms.enter(Ok(Some(name(room))), None, outlet).map(|seat| (seat, told))
}

#[test]
fn roles_go_by_the_place_in_the_room() {
    let rooms = rooms(|_| {});
    let (_one, first) = enter(&rooms, "r").expect("let in");
    assert_eq!(first.news(), [ready(Role::Offerer, "r")]);
    let (_two, second) = enter(&rooms, "r").expect("let in");
    assert_eq!(second.news(), [ready(Role::Answerer, "r")]);
    assert_eq!(first.news(), [ServerFrame::PeerJoined]);
    let (_other, third) = enter(&rooms, "R").expect("another room");
    assert_eq!(third.news(), [ready(Role::Offerer, "R")]);
    assert_eq!(rooms.count(), (2, 1));
}

#[test]
fn a_room_of_two_is_full_and_its_members_are_looked_after() {
    let rooms = rooms(|_| {});
    let (one, first) = enter(&rooms, "r").expect("let in");
    let (_two, second) = enter(&rooms, "r").expect("let in");
    first.news();
    assert_eq!(enter(&rooms, "r").err(), Some(Refusal::RoomFull));
    assert!(first.news().is_empty() && first.probed.load(Ordering::Relaxed) && second.probed.load(Ordering::Relaxed));
    one.receive(r#"{"type":"offer","payload":"v=0"}"#);
    assert_eq!(second.news().last(), Some(&ServerFrame::Peer(PeerFrame::offer("v=0"))));
}

#[test]
fn when_one_leaves_the_next_to_come_is_offerer() {
    let rooms = rooms(|_| {});
    let (one, _first) = enter(&rooms, "r").expect("let in");
    let (two, second) = enter(&rooms, "r").expect("let in");
    second.news();
    drop(one);
    assert_eq!(second.news(), [ServerFrame::PeerLeft]);
    assert_eq!(rooms.count(), (0, 0));
    let (back, third) = enter(&rooms, "r").expect("let in");
    assert_eq!(third.news(), [ready(Role::Offerer, "r")]);
    // The survivor hears nothing of it, says nothing into it, and its leaving is nobody's affair.
    two.receive(r#"{"type":"offer","payload":"v=0"}"#);
    drop(two);
    assert!(second.news().is_empty() && third.news().is_empty());
    let (_again, fourth) = enter(&rooms, "r").expect("let in");
    assert_eq!(fourth.news(), [ready(Role::Answerer, "r")]);
    assert_eq!(third.news(), [ServerFrame::PeerJoined]);
    drop(back);
}

#[test]
fn nothing_is_kept_for_whoever_comes_later() {
    let rooms = rooms(|_| {});
    let (one, first) = enter(&rooms, "r").expect("let in");
    one.receive(r#"{"type":"offer","payload":"v=0"}"#);
    let (_two, second) = enter(&rooms, "r").expect("let in");
    assert_eq!(second.news().len(), 1);
    assert_eq!(first.news().len(), 2);
    assert_eq!(rooms.metrics.signaling_relayed.get(), 0);
}

#[test]
fn a_name_that_the_server_makes_is_random_and_can_be_entered() {
    let rooms = rooms(|_| {});
    let told = Arc::new(Told::default());
    let _seat = rooms.enter(Ok(None), None, Arc::clone(&told) as _).expect("let in");
    let [ServerFrame::Ready { room, .. }] = &told.news()[..] else {
        panic!("not ready");
    };
    assert_eq!(room.as_str().len(), 32);
    let (_seat, other) = enter(&rooms, room.as_str()).expect("let in");
    assert_eq!(other.news(), [ready(Role::Answerer, room.as_str())]);
}

#[test]
fn there_are_so_many_rooms_and_two_in_each() {
    let rooms = rooms(|limits| limits.rooms = 1);
    let (one, _) = enter(&rooms, "r").expect("let in");
    assert_eq!(enter(&rooms, "s").err(), Some(Refusal::AtCapacity));
    let (two, _) = enter(&rooms, "r").expect("the second of a room that is there");
    drop((one, two));
    enter(&rooms, "s").expect("there is room again");
}

#[test]
fn a_server_that_stops_does_not_tell_who_leaves() {
    let rooms = rooms(|_| {});
    let (one, _first) = enter(&rooms, "r").expect("let in");
    let (_two, second) = enter(&rooms, "r").expect("let in");
    second.news();
    rooms.stop();
    drop(one);
    assert!(second.news().is_empty());
}

/// So short that a test can wait for it to pass.
const SHORT: Duration = Duration::from_millis(20);

#[tokio::test]
async fn whoever_waits_alone_is_ended_after_a_while() {
    let rooms = rooms(|limits| limits.wait = SHORT);
    let (one, first) = enter(&rooms, "r").expect("let in");
    let began = Instant::now();
    one.expire().await;
    assert_eq!(first.ended(), Some(Expiry::Alone));
    assert!(began.elapsed() >= SHORT);
    assert_eq!(rooms.count(), (0, 0));
}

#[tokio::test]
async fn two_who_send_nothing_are_ended_together_and_told_of_nobody_leaving() {
    let rooms = rooms(|limits| limits.idle = SHORT);
    let (one, first) = enter(&rooms, "r").expect("let in");
    let (_two, second) = enter(&rooms, "r").expect("let in");
    second.news();
    one.expire().await;
    assert_eq!(
        (first.ended(), second.ended()),
        (Some(Expiry::Idle), Some(Expiry::Idle))
    );
    drop(one);
    assert!(second.news().is_empty());
}

#[tokio::test]
async fn a_survivor_that_does_not_come_back_is_ended_and_what_others_do_meanwhile_stays() {
    let rooms = rooms(|limits| limits.stranded = SHORT);
    let (one, _first) = enter(&rooms, "r").expect("let in");
    let (two, second) = enter(&rooms, "r").expect("let in");
    let leave = async {
        drop(one);
        enter(&rooms, "r").expect("let in")
    };
    // The survivor was to stay for a day; that this has changed wakes it.
    let ((), (_back, third)) = tokio::join!(two.expire(), leave);
    assert_eq!((second.ended(), third.ended()), (Some(Expiry::Stranded), None));
    assert_eq!(rooms.count(), (1, 0));
}

#[test]
fn what_may_not_be_passed_on_is_answered_with_an_error() {
    let rooms = rooms(|_| {});
    let (one, first) = enter(&rooms, "r").expect("let in");
    let (_two, second) = enter(&rooms, "r").expect("let in");
    first.news();
    second.news();
    for text in [
        "null",
        "[]",
        r#"{"type":"peer-left"}"#,
        r#"{"type":"offer","payload":null}"#,
    ] {
        one.receive(text);
        assert!(matches!(first.news()[..], [ServerFrame::Error(_)]), "{text}");
    }
    assert!(second.news().is_empty());
}

#[test]
fn no_refusal_is_told_in_other_words_than_those_of_link_agent() {
    assert_eq!(Refusal::RoomFull.text(), "Room is full");
    assert!(Refusal::InvalidRoom.text().starts_with("Invalid roomId"));
    assert_eq!(Refusal::SlowDown.text(), "Slow down");
}
