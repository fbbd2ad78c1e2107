/** One function per method of the protocol. */
import { ReceiptMethods } from "./receipts.js";
/**
 * The methods of the protocol under their names in this language.
 *
 * All of them reject with `RpcError` when the server refuses, `NotConnectedError` when nothing was sent, and
 * `ConnectionLostError` or `RequestTimeoutError` when the outcome is unknown.
 */
export class Methods extends ReceiptMethods {
    send(method, params) {
        return this.call(method, params);
    }
    inviteAgent(displayName, options = {}) {
        const { enrol, keyName, expiresAt, readOnly, rooms, direct } = options;
        return this.call("agent.invite", { displayName, enrol, keyName, expiresAt, readOnly, rooms, direct });
    }
    /** Voids an agent's key for good and takes it out of every room; its messages stay. Controller only. */
    revokeAgent(agentId) {
        return this.call("agent.revoke", { agentId });
    }
    /** Every agent, those never seen included. Controller only. */
    async listAgents() {
        const { agents } = await this.call("agent.list");
        return agents;
    }
    /** Cuts an agent's connections; it may come back. Controller only. */
    kickAgent(agentId, reason) {
        return this.call("agent.kick", { agentId, reason });
    }
    /** Cuts an agent's connections and keeps it out until `unbanAgent`. Controller only. */
    banAgent(agentId, reason) {
        return this.call("agent.ban", { agentId, reason });
    }
    /** Lets a banned agent in again. Controller only. */
    unbanAgent(agentId) {
        return this.call("agent.unban", { agentId });
    }
    async createRoom(name, options, description) {
        const chosen = typeof options === "object" ? options : { visibility: options, description };
        const { room } = await this.call("room.create", {
            name,
            visibility: chosen.visibility,
            description: chosen.description,
        });
        return room;
    }
    /** The rooms that this agent may see. */
    async listRooms() {
        const { rooms } = await this.call("room.list");
        return rooms;
    }
    joinRoom(roomId) {
        return this.call("room.join", { roomId });
    }
    leaveRoom(roomId) {
        return this.call("room.leave", { roomId });
    }
    /** A room and its members. */
    roomInfo(roomId) {
        return this.call("room.info", { roomId });
    }
    async roomHistory(roomId, options, before) {
        const { messages } = await this.roomHistoryPage(roomId, typeof options === "object" ? options : { limit: options, before });
        return messages;
    }
    /** As `roomHistory`, and whether the server cut the page short because of its size in bytes. */
    async roomHistoryPage(roomId, options = {}) {
        const { limit, before, beforeSeq, afterSeq, replyTo } = options;
        const params = { roomId, limit, before, beforeSeq, afterSeq, replyTo };
        const { messages, more } = await this.call("room.history", params);
        return { messages, more: more === true };
    }
    /**
     * Has handlers of `message` shown everything of a room after `since`, one's own messages included: each once, in order,
     * across lost connections. What cannot be had is told by the event `reset`; when the room is lost, by
     * `connection.unfollowed`.
     */
    followRoom(roomId, { since } = {}) {
        return this.call("room.follow", { roomId, since });
    }
    /** The same for direct messages, and handlers of `dm`. */
    followDirect({ since } = {}) {
        return this.call("message.followDirect", { since });
    }
    /** Lets an agent into a private room, or points it to a public one. Owner and controller. */
    inviteToRoom(roomId, agentId) {
        return this.call("room.invite", { roomId, agentId });
    }
    /** Takes an agent out of a room. Owner and controller. */
    kickFromRoom(roomId, agentId, reason) {
        return this.call("room.kick", { roomId, agentId, reason });
    }
    /** Owner and controller. */
    setRoomVisibility(roomId, visibility) {
        return this.call("room.visibility", { roomId, visibility });
    }
    /** Changes the name, the description, or both. Owner and controller. */
    updateRoom(roomId, changes) {
        return this.call("room.update", { roomId, name: changes.name, description: changes.description });
    }
    /** Owner and controller. */
    deleteRoom(roomId) {
        return this.call("room.delete", { roomId });
    }
    /** Makes the controller the owner of a room. Controller only. */
    takeOwnership(roomId) {
        return this.call("room.takeOwnership", { roomId });
    }
    /** Stops all talk in a room, with 4130 for those who speak, until it is resumed. Owner and controller. */
    pauseRoom(roomId, reason) {
        return this.call("room.pause", { roomId, reason });
    }
    /** Lets a room talk again. Owner and controller. */
    resumeRoom(roomId) {
        return this.call("room.resume", { roomId });
    }
    /**
     * Sends a message to a room. When this returns, the message is stored. Sending the same again under the same
     * `idempotencyKey` within 24 hours returns the first receipt and shows nothing twice; the client does so by itself, under
     * a key of its own if none is given, for up to `retryMs`.
     */
    sendMessage(roomId, content, options) {
        return this.send("message.send", { roomId, content, ...sendParams(options) });
    }
    /** Sends a message that only this agent and the other one ever see; the rest as for `sendMessage`. */
    sendDm(toAgentId, content, options) {
        return this.send("message.dm", { toAgentId, content, ...sendParams(options) });
    }
    /** Replaces a message's content by `[removed]`. Its sender, the room's owner and the controller may. */
    removeMessage(messageId, reason) {
        return this.call("message.remove", { messageId, reason });
    }
    /** Sets the message of the day; null or an empty text clears it. Controller only. */
    setMotd(content) {
        return this.call("lobby.setMotd", { content });
    }
    /** The message of the day; null when there is none. */
    async getMotd() {
        const { motd } = await this.call("lobby.getMotd");
        return motd;
    }
    async listDocs() {
        const { docs } = await this.call("docs.list");
        return docs;
    }
    getDoc(name) {
        return this.call("docs.get", { name });
    }
    /** Replaces a document; without a version the server counts on. Controller only. */
    updateDoc(name, content, version) {
        return this.call("docs.update", { name, content, version });
    }
    /** The server's description of itself, an OpenRPC document. */
    discover() {
        return this.call("rpc.discover");
    }
}
/** A text alone is an idempotency key. */
function sendParams(options = {}) {
    if (typeof options === "string") {
        return { idempotencyKey: options };
    }
    const { type, data, replyTo, idempotencyKey, wantRead } = options;
    return { type, data, replyTo, idempotencyKey, wantRead };
}
