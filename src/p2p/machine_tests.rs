use std::time::Duration;

use super::*;

/// With a pulse, last heard of at this time.
fn alive(heard: u64) -> Pulse {
    Pulse {
        heard,
        words: heard,
        beats: true,
    }
}

/// Without one: a peer of link-agent in JSON-lines mode.
const MUTE: Pulse = Pulse {
    heard: 0,
    words: 0,
    beats: false,
};

fn machine() -> Machine {
    Machine::new(Intervals::default())
}

/// In the room since the time 0.
fn entered(role: Role) -> Machine {
    let mut machine = machine();
    assert_eq!(machine.tick(0, MUTE), [Action::Dial]);
    assert_eq!(machine.entered(0, role), [Action::Tell(LinkEvent::Role { role })]);
    machine
}

/// With a call that is up since the time 0.
fn up(role: Role) -> Machine {
    let mut machine = entered(role);
    machine.peer_joined(0, MUTE);
    machine.call_up(0);
    machine
}

fn told_reason(actions: &[Action]) -> Option<&str> {
    actions.iter().find_map(|action| match action {
        Action::Tell(LinkEvent::Disconnected { reason }) => Some(reason.as_str()),
        _ => None,
    })
}

#[test]
fn whoever_is_there_offers_whatever_its_role_and_whoever_comes_waits() {
    for role in [Role::Offerer, Role::Answerer] {
        let mut machine = entered(role);
        assert_eq!(machine.peer_joined(1, MUTE), [Action::Offer]);
    }
    let mut machine = entered(Role::Answerer);
    assert_eq!(machine.offered(1, false, false, MUTE), [Action::Answer]);
}

#[test]
fn alone_in_the_room_one_may_wait_for_ever() {
    let machine = entered(Role::Offerer);
    assert!(matches!(machine.call, Call::None { until: None }));
}

#[test]
fn beside_a_silent_one_the_room_is_entered_anew() {
    let mut machine = entered(Role::Answerer);
    let connecting = millis(Intervals::default().connecting);
    assert!(!machine.tick(connecting - 1, MUTE).contains(&Action::HangUp));
    let actions = machine.tick(connecting, MUTE);
    assert!(actions.contains(&Action::Tell(LinkEvent::TimedOut)) && actions.contains(&Action::HangUp));
    assert!(actions.contains(&Action::Tell(LinkEvent::Reconnecting { attempt: 1 })));
}

#[test]
fn a_peer_that_comes_anew_is_called_anew_if_it_cannot_be_asked() {
    let mut machine = up(Role::Offerer);
    let actions = machine.peer_joined(10, MUTE);
    assert_eq!(actions.first(), Some(&Action::DropCall));
    assert_eq!(told_reason(&actions), Some("peer-left"));
    assert_eq!(actions.last(), Some(&Action::Offer));
}

#[test]
fn a_healthy_call_outlives_what_signaling_says() {
    let probe = millis(Intervals::default().probe);
    let mut machine = up(Role::Offerer);
    assert_eq!(machine.peer_left(10, alive(5)), [Action::Ping]);
    assert_eq!(machine.peer_joined(11, alive(5)), []);
    assert_eq!(machine.offered(12, false, false, alive(5)), [Action::Hold]);
    assert_eq!(machine.tick(10 + probe, alive(12)), [Action::Release]);
    assert!(matches!(machine.call, Call::Up(_)));
    // Without a pulse it cannot be asked, and is kept.
    let mut machine = up(Role::Offerer);
    assert_eq!(machine.peer_left(10, MUTE), []);
    assert_eq!(told_reason(&machine.disturbed(11)), Some("peer-left"));
}

#[test]
fn a_call_whose_peer_does_not_answer_is_replaced_by_what_came_meanwhile() {
    let probe = millis(Intervals::default().probe);
    let check = |came: fn(&mut Machine) -> Vec<Action>, last: &Action| {
        let mut machine = up(Role::Answerer);
        assert!(came(&mut machine).contains(&Action::Ping));
        let actions = machine.tick(10 + probe, alive(5));
        assert_eq!(told_reason(&actions), Some("peer-left"));
        assert_eq!(actions.last(), Some(last));
    };
    check(|machine| machine.peer_joined(10, alive(5)), &Action::Offer);
    check(|machine| machine.offered(10, false, false, alive(5)), &Action::Answer);
    let reconnecting = Action::Tell(LinkEvent::Reconnecting { attempt: 1 });
    check(|machine| machine.peer_left(10, alive(5)), &reconnecting);
}

#[test]
fn a_channel_that_closes_during_the_question_is_the_answer() {
    let mut machine = up(Role::Answerer);
    machine.offered(10, false, false, alive(5));
    let actions = machine.call_down(11, "datachannel-closed", false);
    assert_eq!(actions.last(), Some(&Action::Answer));
}

#[test]
fn a_surplus_offer_of_the_same_session_is_only_answered() {
    assert_eq!(up(Role::Offerer).offered(1, true, false, MUTE), [Action::Renegotiate]);
}

#[test]
fn of_two_offers_at_one_time_that_of_the_offerer_holds() {
    for (role, expected) in [
        (Role::Offerer, vec![]),
        (Role::Answerer, vec![Action::DropCall, Action::Answer]),
    ] {
        let mut machine = entered(role);
        machine.peer_joined(1, MUTE);
        assert_eq!(machine.offered(2, false, true, MUTE), expected);
    }
}

#[test]
fn signaling_lost_during_a_call_is_entered_again_without_a_word() {
    let mut machine = up(Role::Offerer);
    assert_eq!(machine.signal_lost(10, Some("gone".to_owned())), [Action::HangUp]);
    let due = machine.next_tick();
    assert_eq!(machine.tick(due, MUTE), [Action::Dial]);
    machine.entered(due, Role::Offerer);
    assert!(matches!(machine.call, Call::Up(_)));
}

#[test]
fn signaling_lost_before_a_call_is_told_and_waits_grow() {
    let mut machine = machine();
    let mut waits = Vec::new();
    for attempt in 1..=7 {
        let now = machine.next_tick();
        machine.tick(now, MUTE);
        let actions = machine.signal_lost(now, Some("refused".to_owned()));
        assert_eq!(told_reason(&actions), Some("signaling-lost-before-p2p"));
        assert!(actions.contains(&Action::Tell(LinkEvent::Reconnecting { attempt })));
        waits.push((machine.next_tick() - now) / 1000);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
}

#[test]
fn it_gives_up_only_when_told_to() {
    let mut machine = Machine::new(Intervals {
        give_up_after: Some(2),
        ..Intervals::default()
    });
    for _ in 0..2 {
        assert!(!machine.signal_lost(0, None).contains(&Action::Close));
    }
    let actions = machine.signal_lost(0, None);
    assert!(actions.ends_with(&[Action::Tell(LinkEvent::GaveUp { attempts: 2 }), Action::Close]));
}

#[test]
fn whoever_is_left_alone_before_a_call_enters_anew() {
    for mut machine in [entered(Role::Answerer), {
        let mut machine = entered(Role::Offerer);
        machine.peer_joined(1, MUTE);
        machine
    }] {
        assert_eq!(machine.peer_left(2, MUTE), [Action::DropCall, Action::HangUp]);
        let due = machine.next_tick();
        assert_eq!(machine.tick(due, MUTE), [Action::Dial]);
    }
}

#[test]
fn a_peer_with_a_pulse_that_falls_silent_is_lost_and_one_without_is_not() {
    let Intervals { heartbeat, silence, .. } = Intervals::default();
    let last = millis(silence + heartbeat);
    let run = |pulse: Pulse| {
        let mut machine = up(Role::Offerer);
        let mut actions = Vec::new();
        while machine.next_tick() <= last {
            let now = machine.next_tick();
            machine.heard_server(now);
            actions.extend(machine.tick(now, pulse));
            if told_reason(&actions).is_some() {
                break;
            }
        }
        actions
    };
    assert_eq!(told_reason(&run(alive(0))), Some("heartbeat-timeout"));
    let actions = run(MUTE);
    assert_eq!(told_reason(&actions), None);
    let pings = actions.iter().filter(|action| **action == Action::Ping).count();
    assert_eq!(pings, 3, "then it is left alone");
}

#[test]
fn a_call_that_finds_no_path_is_tried_again() {
    let mut machine = entered(Role::Offerer);
    machine.peer_joined(0, MUTE);
    let actions = machine.call_down(1, "datachannel-closed", false);
    assert!(
        matches!(&actions[1], Action::Tell(LinkEvent::Error { .. })),
        "{actions:?}"
    );
    assert_eq!(told_reason(&actions), None);
    assert_eq!(machine.attempt(), 1);
    let mut machine = entered(Role::Offerer);
    machine.peer_joined(0, MUTE);
    let until = millis(Intervals::default().connecting);
    assert!(machine.tick(until, MUTE).contains(&Action::Tell(LinkEvent::TimedOut)));
}

#[test]
fn a_server_that_does_not_answer_is_left() {
    let mut machine = machine();
    machine.tick(0, MUTE);
    let actions = machine.tick(millis(Intervals::default().signaling), MUTE);
    assert!(actions.contains(&Action::HangUp));
    let mut machine = entered(Role::Offerer);
    let heartbeat = millis(Duration::from_secs(30));
    assert_eq!(machine.tick(heartbeat, MUTE), [Action::PingServer]);
    assert_eq!(machine.tick(2 * heartbeat, MUTE), [Action::PingServer]);
    assert!(machine.tick(3 * heartbeat, MUTE).contains(&Action::HangUp));
}
