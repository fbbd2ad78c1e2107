//! The matrix itself.

use std::collections::BTreeMap;

/// A kind of caller, by its relation to the room, the message and the agent that the call is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Has not authenticated.
    Stranger,
    /// Has tried to authenticate with the key of a banned agent.
    Banned,
    /// Has tried to authenticate with the key of a revoked agent.
    Revoked,
    /// Not in the room, which is public.
    PublicOutsider,
    /// Not in the room, which is private, as for everybody from here on.
    PrivateOutsider,
    /// Was in the room and was taken out of it.
    Removed,
    /// Invited into the room.
    Invited,
    /// In the room.
    Member,
    /// Owns the room and is in it.
    Owner,
    /// Owns the room and has left it.
    OwnerWhoLeft,
    /// Owned the room until the controller took it.
    FormerOwner,
    /// Governs, and is not in the room.
    Controller,
    /// On the socket in the data directory.
    Operator,
}

impl Kind {
    /// All of them, in the order of the columns.
    pub(super) const ALL: &'static [Self] = &[
        Self::Stranger,
        Self::Banned,
        Self::Revoked,
        Self::PublicOutsider,
        Self::PrivateOutsider,
        Self::Removed,
        Self::Invited,
        Self::Member,
        Self::Owner,
        Self::OwnerWhoLeft,
        Self::FormerOwner,
        Self::Controller,
        Self::Operator,
    ];
}

/// What a call comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    Ok,
    Refused(i64),
}

/// One line of the matrix.
pub(super) struct Row(Vec<Outcome>);

impl Row {
    pub(super) fn outcome(&self, kind: Kind) -> Outcome {
        let column = Kind::ALL.iter().position(|known| *known == kind);
        self.0[column.expect("every kind is a column")]
    }
}

/// `stranger` to `operator` are the kinds of [`Kind`]; a number is the code of the refusal.
const MATRIX: &str = "
method               stranger banned revoked public private removed invited member owner left former controller operator
auth                       ok   4004    4002   4003    4003    4003    4003   4003  4003 4003   4003       4003     4003
rpc.discover             4001   4001    4001     ok      ok      ok      ok     ok    ok   ok     ok         ok     4003
agent.invite             4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003         ok     4003
agent.revoke             4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003         ok     4003
agent.list               4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003         ok     4003
agent.kick               4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003         ok     4003
agent.ban                4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003         ok     4003
agent.unban              4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003         ok     4003
agent.enrol              4110   4110    4110   4003    4003    4003    4003   4003  4003 4003   4003       4003     4003
agent.createKey          4001   4001    4001     ok      ok      ok      ok     ok    ok   ok     ok         ok     4003
agent.rotateKey          4001   4001    4001     ok      ok      ok      ok     ok    ok   ok     ok         ok     4003
agent.revokeKey          4001   4001    4001   4111    4111    4111    4111   4111  4111 4111   4111       4111     4003
agent.listKeys           4001   4001    4001     ok      ok      ok      ok     ok    ok   ok     ok         ok     4003
agent.rename             4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003         ok     4003
audit.list               4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003         ok     4003
room.create              4001   4001    4001     ok      ok      ok      ok     ok    ok   ok     ok         ok     4003
room.list                4001   4001    4001     ok      ok      ok      ok     ok    ok   ok     ok         ok     4003
room.join                4001   4001    4001     ok    4013    4013      ok   4012  4012   ok   4012         ok     4003
room.leave               4001   4001    4001   4011    4011    4011    4011     ok    ok 4011     ok       4011     4003
room.info                4001   4001    4001     ok    4011    4011      ok     ok    ok   ok     ok         ok     4003
room.history             4001   4001    4001   4011    4011    4011    4011     ok    ok 4011     ok         ok     4003
room.follow              4001   4001    4001   4011    4011    4011    4011     ok    ok 4011     ok       4011     4003
room.markRead            4001   4001    4001   4011    4011    4011    4011     ok    ok 4011     ok       4011     4003
room.invite              4001   4001    4001   4003    4003    4003    4003   4003    ok   ok   4003         ok     4003
room.kick                4001   4001    4001   4003    4003    4003    4003   4003    ok   ok   4003         ok     4003
room.visibility          4001   4001    4001   4003    4003    4003    4003   4003    ok   ok   4003         ok     4003
room.update              4001   4001    4001   4003    4003    4003    4003   4003    ok   ok   4003         ok     4003
room.pause               4001   4001    4001   4003    4003    4003    4003   4003    ok   ok   4003         ok     4003
room.resume              4001   4001    4001   4003    4003    4003    4003   4003    ok   ok   4003         ok     4003
room.delete              4001   4001    4001   4003    4003    4003    4003   4003    ok   ok   4003         ok     4003
room.takeOwnership       4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003         ok     4003
message.send             4001   4001    4001   4011    4011    4011    4011     ok    ok 4011     ok       4011     4003
message.dm               4001   4001    4001     ok      ok      ok      ok     ok    ok   ok     ok         ok     4003
message.followDirect     4001   4001    4001     ok      ok      ok      ok     ok    ok   ok     ok         ok     4003
message.remove           4001   4001    4001   4003    4060    4060    4003   4003    ok   ok   4003         ok     4003
message.search           4001   4001    4001   4011    4011    4011    4011     ok    ok 4011     ok         ok     4003
message.status           4001   4001    4001   4003    4060    4060    4003   4003    ok   ok   4003         ok     4003
message.markReadDirect   4001   4001    4001     ok      ok      ok      ok     ok    ok   ok     ok         ok     4003
lobby.setMotd            4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003         ok     4003
lobby.getMotd            4001   4001    4001     ok      ok      ok      ok     ok    ok   ok     ok         ok     4003
docs.list                4001   4001    4001     ok      ok      ok      ok     ok    ok   ok     ok         ok     4003
docs.get                 4001   4001    4001     ok      ok      ok      ok     ok    ok   ok     ok         ok     4003
docs.update              4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003         ok     4003
task.create              4001   4001    4001   4011    4011    4011    4011     ok    ok 4011     ok       4011     4003
task.claim               4001   4001    4001   4011    4100    4100    4011     ok    ok 4011     ok       4011     4003
task.renew               4001   4001    4001   4011    4100    4100    4011   4003  4003 4011   4003       4011     4003
task.update              4001   4001    4001   4011    4100    4100    4011   4003  4003 4011   4003       4011     4003
task.complete            4001   4001    4001   4011    4100    4100    4011   4003  4003 4011   4003       4011     4003
task.fail                4001   4001    4001   4011    4100    4100    4011   4003  4003 4011   4003       4011     4003
task.cancel              4001   4001    4001   4011    4100    4100    4011   4003    ok   ok   4003         ok     4003
task.list                4001   4001    4001   4011    4011    4011    4011     ok    ok 4011     ok         ok     4003
task.get                 4001   4001    4001   4011    4100    4100    4011     ok    ok 4011     ok         ok     4003
p2p.open             4001   4001    4001   4003    4003    4003    4003   4003    ok   ok   4003         ok     4003
p2p.join             4001   4001    4001   4003    4003    4003    4003   4003    ok   ok   4003         ok     4003
p2p.list             4001   4001    4001   4003    4003    4003    4003   4003    ok   ok   4003         ok     4003
p2p.close            4001   4001    4001   4003    4003    4003    4003   4003    ok   ok   4003         ok     4003
p2p.setPermission    4001   4001    4001   4003    4003    4003    4003   4003    ok   ok   4003         ok     4003
operator.status          4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003       4003       ok
operator.stop            4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003       4003       ok
operator.lock            4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003       4003       ok
operator.unlock          4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003       4003       ok
operator.kick            4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003       4003       ok
operator.backup          4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003       4003       ok
operator.export          4001   4001    4001   4003    4003    4003    4003   4003  4003 4003   4003       4003       ok
";

/// Every row, by the name of its method.
pub(super) fn rows() -> BTreeMap<&'static str, Row> {
    MATRIX.trim().lines().skip(1).map(row).collect()
}

fn row(line: &'static str) -> (&'static str, Row) {
    let mut words = line.split_whitespace();
    let method = words.next().expect("a name");
    let outcomes: Vec<Outcome> = words
        .map(|word| match word {
            "ok" => Outcome::Ok,
            code => Outcome::Refused(code.parse().expect("a code")),
        })
        .collect();
    assert_eq!(outcomes.len(), Kind::ALL.len(), "`{method}`");
    (method, Row(outcomes))
}
