/** One function per method that finds messages or tells what became of them. */
import { PeerMethods } from "./peers.js";
/** Finding what was said, and knowing who got it and who read it. */
export class ReceiptMethods extends PeerMethods {
    /** Messages that have all words and "phrases" of `query`, the newest first, wherever this agent may read. */
    searchMessages(query, options = {}) {
        const { roomId, senderId, from, to, limit, cursor } = options;
        return this.call("message.search", { query, roomId, senderId, from, to, limit, cursor });
    }
    /**
     * How far a message got with each of those it is for. Its sender, the room's owner and the controller may know; of a direct
     * message its sender alone.
     */
    async messageStatus(messageId) {
        const { members } = await this.call("message.status", { messageId });
        return members;
    }
    /**
     * Says that a room was read up to position `seq`; that never goes back. Senders that asked for it with `wantRead` get the
     * event `message.read`.
     */
    markRead(roomId, seq) {
        return this.call("room.markRead", { roomId, seq });
    }
    /** The same for direct messages, whose `seq` counts those that this agent sent and got. */
    markReadDirect(seq) {
        return this.call("message.markReadDirect", { seq });
    }
}
