/** One function per method that opens rooms to peers beyond the server. */

import type { Status } from "./agent_types.js";
import { KeyMethods } from "./keys.js";
import type { JoinPeerOptions, OpenedRoom, Opening, OpenOptions, Permission } from "./peer_types.js";

/** Opening rooms to peers that come over WebRTC, for the owner of a room and the controller. */
export abstract class PeerMethods extends KeyMethods {
  /**
   * Makes places for peers in a room, one unless `maxUses` says more. The ids of the P2P rooms in the result are secrets:
   * whoever has one can come in.
   */
  openToPeers(roomId: string, permission: Permission, options: OpenOptions = {}): Promise<OpenedRoom> {
    const { expiresAt, maxUses } = options;
    return this.call("p2p.open", { roomId, permission, expiresAt, maxUses });
  }

  /**
   * Takes a room into a P2P room that somebody else opened; `helper` unless `permission` says otherwise. Only the controller
   * may name another signaling server.
   */
  joinPeer(roomId: string, p2pRoomId: string, options: JoinPeerOptions = {}): Promise<Opening> {
    const { signalUrl, permission, expiresAt } = options;
    return this.call("p2p.join", { roomId, p2pRoomId, signalUrl, permission, expiresAt });
  }

  /** The openings of a room, or of all rooms that this agent governs. */
  async listOpenings(roomId?: string): Promise<Opening[]> {
    const { openings } = await this.call<{ openings: Opening[] }>("p2p.list", { roomId });
    return openings;
  }

  /** Ends an opening and sends its peers away. */
  closeOpening(openingId: string): Promise<Status> {
    return this.call("p2p.close", { openingId });
  }

  /** Changes the most that the peers of an opening may do. */
  setPeerPermission(openingId: string, permission: Permission): Promise<Status> {
    return this.call("p2p.setPermission", { openingId, permission });
  }
}
