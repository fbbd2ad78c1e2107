//! The functions that open rooms to peers.

use super::super::{ClientError, Connection, JoinOptions, OpenOptions, PeerMethods};
use super::Params;

/// Calls the typed function of a method about peers; none when there is none.
pub(super) async fn peer_call(
    connection: &Connection,
    method: &str,
    p: &Params<'_>,
) -> Option<Result<(), ClientError>> {
    Some(match method {
        "p2p.open" => {
            let options = OpenOptions {
                expires_at: p.number("expiresAt"),
                max_uses: p.number("maxUses"),
            };
            connection
                .open_to_peers(p.text("roomId"), p.text("permission"), options)
                .await
                .map(drop)
        }
        "p2p.join" => {
            let options = JoinOptions {
                signal_url: p.text_or_none("signalUrl"),
                permission: p.text_or_none("permission"),
                expires_at: p.number("expiresAt"),
            };
            connection
                .join_peer(p.text("roomId"), p.text("p2pRoomId"), options)
                .await
                .map(drop)
        }
        "p2p.list" => connection.list_openings(p.text_or_none("roomId")).await.map(drop),
        "p2p.close" => connection.close_opening(p.text("openingId")).await,
        "p2p.setPermission" => {
            connection
                .set_peer_permission(p.text("openingId"), p.text("permission"))
                .await
        }
        _ => return None,
    })
}
