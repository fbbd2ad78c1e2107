/** Events and their handlers. */
import type { Session } from "./agent_types.js";
import type { Reset } from "./position_types.js";
import type { Task, TaskSummary } from "./task_types.js";
import type { DocumentVersion, Message, MessageType, Visibility } from "./types.js";
/** Every event by name, with what its handlers are given. */
export interface EventMap {
    presence: {
        agentId: string;
        displayName: string;
        online: boolean;
    };
    "agent.renamed": {
        agentId: string;
        displayName: string;
        previousName: string;
    };
    message: {
        roomId: string;
        message: Message;
    };
    dm: {
        fromAgentId: string;
        fromDisplayName: string;
        content: string;
        /** Left out for talk. */
        type?: Exclude<MessageType, "chat">;
        data?: unknown;
        replyTo?: string;
        messageId: string;
        timestamp: number;
        /** Position among the direct messages that this agent sent and got. */
        seq?: number;
        /** Present when this agent sent the message, which only those who follow are shown. */
        toAgentId?: string;
        /** Present when the message was removed; its content is then `[removed]`. */
        removed?: true;
    };
    /** What is followed goes on behind a gap. */
    reset: Reset;
    "room.created": {
        roomId: string;
        name: string;
        ownerId: string;
        visibility: Visibility;
    };
    "room.joined": {
        roomId: string;
        agentId: string;
        displayName: string;
    };
    "room.left": {
        roomId: string;
        agentId: string;
    };
    "room.invited": {
        roomId: string;
        name: string;
        byAgentId: string;
        byDisplayName: string;
    };
    "room.deleted": {
        roomId: string;
    };
    "room.visibilityChanged": {
        roomId: string;
        visibility: Visibility;
    };
    "room.ownerChanged": {
        roomId: string;
        newOwnerId: string;
        previousOwnerId: string;
    };
    "room.updated": {
        roomId: string;
        name: string;
        description: string | null;
    };
    /** Nobody may speak in the room until it is resumed; `pausedBy` is null when the server did it. */
    "room.paused": {
        roomId: string;
        since: number;
        reason: string | null;
        pausedBy: string | null;
    };
    "room.resumed": {
        roomId: string;
        resumedBy: string;
    };
    "message.removed": {
        messageId: string;
        roomId: string;
        removedBy: string;
        reason: string | null;
    };
    /** Somebody says that it has read a message that was sent with `wantRead`. */
    "message.read": {
        messageId: string;
        roomId: string;
        agentId: string;
        displayName: string;
        readAt: number;
    };
    "task.created": {
        task: Task;
    };
    /** The task as it is now, without its description and data. */
    "task.updated": {
        task: TaskSummary;
    };
    "lobby.motd": {
        content: string | null;
        setBy: string;
        setByName: string;
    };
    "docs.updated": {
        name: string;
        version: DocumentVersion;
        updatedBy: string;
    };
    /** This agent was removed from a room; the connection stays. */
    kicked: {
        roomId: string;
        reason: string | null;
    };
    /** The server is about to close the connection. */
    disconnected: {
        reason: string;
    };
    /** Of the client itself: connected and authenticated, for the first time or again. */
    "connection.opened": {
        session: Session;
        reconnected: boolean;
    };
    /** Of the client itself: the connection dropped, or a try to get it back failed; the next follows in `retryInMs`. */
    "connection.lost": {
        code: number;
        reason: string;
        retryInMs: number;
        /**
         * The agent had too many sessions, and this was its oldest: others use its key. The client waits longest before it
         * comes back, because coming back ends the session of another.
         */
        replaced?: true;
    };
    /** Of the client itself: the connection is gone and the client does not try again. */
    "connection.ended": {
        code: number;
        reason: string;
    };
    /** Of the client itself: a room, or direct messages (null), cannot be followed for handlers any longer. */
    "connection.unfollowed": {
        roomId: string | null;
        error: unknown;
    };
}
export type EventName = keyof EventMap;
/** A handler; when it returns a promise, its next event waits for that promise. */
export type Handler<Name extends EventName> = (params: EventMap[Name]) => unknown;
type AnyHandler = (params: never) => unknown;
type Report = (error: unknown, eventName: string) => void;
/**
 * Hands events to handlers, in order.
 *
 * Each handler gets its events one at a time; handlers do not wait for each other, so one may wait for what another
 * is about to see.
 */
export declare class Handlers {
    #private;
    /** Called when `isFull` is not true any longer. */
    whenRoom: () => void;
    constructor(report: Report);
    /** Adds a handler. Adding the same one to the same event again changes nothing. */
    add(name: string, handler: AnyHandler): void;
    /** Removes a handler; events that wait for it are dropped. */
    remove(name: string, handler: AnyHandler): void;
    has(name: string): boolean;
    /** Whether some handler would miss the next event; `whenRoom` is called when each has caught up. */
    get isFull(): boolean;
    /** Hands on an event that the server sent; `whenHandled` is called when the last of its handlers begins with it. */
    deliver(name: string, params: unknown, whenHandled?: () => void): void;
    /** Hands on an event of the client itself. */
    announce<Name extends EventName & `connection.${string}`>(name: Name, params: EventMap[Name]): void;
    /** Drops every event that still waits. */
    clear(): void;
}
export {};
