/** One function per method that opens rooms to peers beyond the server. */
import { KeyMethods } from "./keys.js";
/** Opening rooms to peers that come over WebRTC, for the owner of a room and the controller. */
export class PeerMethods extends KeyMethods {
    /**
     * Makes places for peers in a room, one unless `maxUses` says more. The ids of the P2P rooms in the result are secrets:
     * whoever has one can come in.
     */
    openToPeers(roomId, permission, options = {}) {
        const { expiresAt, maxUses } = options;
        return this.call("p2p.open", { roomId, permission, expiresAt, maxUses });
    }
    /**
     * Takes a room into a P2P room that somebody else opened; `helper` unless `permission` says otherwise. Only the controller
     * may name another signaling server.
     */
    joinPeer(roomId, p2pRoomId, options = {}) {
        const { signalUrl, permission, expiresAt } = options;
        return this.call("p2p.join", { roomId, p2pRoomId, signalUrl, permission, expiresAt });
    }
    /** The openings of a room, or of all rooms that this agent governs. */
    async listOpenings(roomId) {
        const { openings } = await this.call("p2p.list", { roomId });
        return openings;
    }
    /** Ends an opening and sends its peers away. */
    closeOpening(openingId) {
        return this.call("p2p.close", { openingId });
    }
    /** Changes the most that the peers of an opening may do. */
    setPeerPermission(openingId, permission) {
        return this.call("p2p.setPermission", { openingId, permission });
    }
}
