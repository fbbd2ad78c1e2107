//! Every case of the wire fixtures against the real server. Both clients replay the same files against servers of their
//! own making, so all three agree on what goes over the wire.

mod fixture;
mod matching;
mod replay;

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use wardroom::protocol::methods::{self, Access};

use fixture::Fixture;

/// Cases that are replayed at one time, each on a server of its own. They wait for the disk most of the time.
const AT_ONCE: usize = 4;

/// Replays one file and reports every case that went otherwise.
async fn replay(method: &str) {
    let fixture = Fixture::load(method);
    let failures: Vec<String> = stream::iter(&fixture.cases)
        .map(|case| async move {
            let problems = replay::replay(method, case).await;
            (!problems.is_empty()).then(|| format!("{}:\n  {}", case.name, problems.join("\n  ")))
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(failures.is_empty(), "`{method}`:\n{}", failures.join("\n"));
}

/// One test for each fixture file.
macro_rules! fixtures {
    ($($test:ident = $method:literal),+ $(,)?) => {
        const METHODS: &[&str] = &[$($method),+];

        $(#[tokio::test]
        async fn $test() {
            replay($method).await;
        })+
    };
}

fixtures! {
    auth = "auth",
    rpc_discover = "rpc.discover",
    agent_invite = "agent.invite",
    agent_revoke = "agent.revoke",
    agent_list = "agent.list",
    agent_kick = "agent.kick",
    agent_ban = "agent.ban",
    agent_unban = "agent.unban",
    agent_enrol = "agent.enrol",
    agent_create_key = "agent.createKey",
    agent_rotate_key = "agent.rotateKey",
    agent_revoke_key = "agent.revokeKey",
    agent_list_keys = "agent.listKeys",
    agent_rename = "agent.rename",
    audit_list = "audit.list",
    room_create = "room.create",
    room_list = "room.list",
    room_join = "room.join",
    room_leave = "room.leave",
    room_info = "room.info",
    room_history = "room.history",
    room_follow = "room.follow",
    room_mark_read = "room.markRead",
    room_invite = "room.invite",
    room_kick = "room.kick",
    room_visibility = "room.visibility",
    room_update = "room.update",
    room_delete = "room.delete",
    room_take_ownership = "room.takeOwnership",
    room_pause = "room.pause",
    room_resume = "room.resume",
    message_send = "message.send",
    message_dm = "message.dm",
    message_follow_direct = "message.followDirect",
    message_remove = "message.remove",
    message_search = "message.search",
    message_status = "message.status",
    message_mark_read_direct = "message.markReadDirect",
    lobby_set_motd = "lobby.setMotd",
    lobby_get_motd = "lobby.getMotd",
    docs_list = "docs.list",
    docs_get = "docs.get",
    docs_update = "docs.update",
    task_create = "task.create",
    task_claim = "task.claim",
    task_renew = "task.renew",
    task_update = "task.update",
    task_complete = "task.complete",
    task_fail = "task.fail",
    task_cancel = "task.cancel",
    task_list = "task.list",
    task_get = "task.get",
    p2p_open = "p2p.open",
    p2p_join = "p2p.join",
    p2p_list = "p2p.list",
    p2p_close = "p2p.close",
    p2p_set_permission = "p2p.setPermission",
}

#[test]
fn every_method_of_agents_has_a_fixture_file_and_every_file_is_replayed() {
    let table: BTreeSet<String> = methods::all()
        .iter()
        .filter(|method| method.access != Access::Operator)
        .map(|method| method.name.to_owned())
        .collect();
    let replayed: BTreeSet<String> = METHODS.iter().map(|method| (*method).to_owned()).collect();
    assert_eq!(table, replayed, "the table of methods and the tests above");
    assert_eq!(table, fixture::files(), "the table of methods and the files");
}
