/** One function per method that finds messages or tells what became of them. */
import { PeerMethods } from "./peers.js";
import type { MemberStatus, ReadMark, SearchOptions, SearchPage } from "./types.js";
/** Finding what was said, and knowing who got it and who read it. */
export declare abstract class ReceiptMethods extends PeerMethods {
    /** Messages that have all words and "phrases" of `query`, the newest first, wherever this agent may read. */
    searchMessages(query: string, options?: SearchOptions): Promise<SearchPage>;
    /**
     * How far a message got with each of those it is for. Its sender, the room's owner and the controller may know; of a direct
     * message its sender alone.
     */
    messageStatus(messageId: string): Promise<MemberStatus[]>;
    /**
     * Says that a room was read up to position `seq`; that never goes back. Senders that asked for it with `wantRead` get the
     * event `message.read`.
     */
    markRead(roomId: string, seq: number): Promise<ReadMark>;
    /** The same for direct messages, whose `seq` counts those that this agent sent and got. */
    markReadDirect(seq: number): Promise<ReadMark>;
}
