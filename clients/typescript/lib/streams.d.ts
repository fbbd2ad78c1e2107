/**
 * Which events of followed rooms and direct messages are next, and from where to follow when they are not.
 *
 * No socket, no waiting: the client tells what came, and is told what to ask for.
 */
import type { FollowResult, Position, Positions } from "./position_types.js";
/** What is followed: a room by its id, or direct messages, which are null. */
export type Source = string | null;
/** The events that followed things consist of. */
export type StreamEvent = "message" | "dm" | "reset";
/** What `auth` is asked to go on with. */
export interface ResumeRequest {
    resume?: Record<string, Position>;
    resumeDirect?: Position;
}
/** Somebody who takes what is followed, one position after the other. */
export declare abstract class Reader {
    /** The position that comes next; null until the server has said where "from now on" is. */
    next: number | null;
    /** The epoch of that position. */
    epoch: string | null;
    /** The last position whose event was handed out; null when there is none yet. */
    done: Position | null;
    /** Whether it hands on to handlers, which then are shown nothing else of the stream. */
    abstract readonly isForHandlers: boolean;
    constructor(since: Position | null);
    /** Whether nothing more is taken for now. */
    abstract get isFull(): boolean;
    /** The next event, after which the reader stands at `position`. Called only when it is not full. */
    abstract take(event: StreamEvent, params: unknown, position: Position): void;
    /** There will be nothing more. */
    abstract fail(error: unknown): void;
    /** The server follows, and `next` is known. */
    answered(): void;
}
/** One thing that is followed, on behalf of all who read it. */
export declare class Stream {
    #private;
    readonly source: Source;
    readonly readers: Set<Reader>;
    /** Where a reader begins that names no position: as handed in, or as the last reader left it. */
    stored: Position | null;
    /** Whether `stored` is what the client was given, and nobody has read from there yet. */
    handedIn: boolean;
    /** Whether the server was asked to follow and has not answered. */
    asking: boolean;
    /** Whether to ask anew when the answer has come. */
    again: boolean;
    /** The last position that this connection was shown; null while it does not follow. */
    cursor: number | null;
    constructor(source: Source);
    /** The position up to which everybody who reads has everything. */
    get position(): Position | null;
    /** Whether a reader that has room lacks something that this connection will not show by itself. */
    get needsToFollow(): boolean;
    /** The position to follow from; null for "from now on". */
    since(): Position | null;
    /** A new connection, to a server of this epoch: under another one, numbers begin anew and mean something else. */
    enter(epoch: string | null): void;
    /**
     * The server follows; `result` is what it said, before the first event that it shows. False when that does not say where
     * the stream stands.
     */
    answered(since: Position | null, result: unknown): boolean;
    /** Follows anew: what the server says now, or has said, may not hold any longer. */
    followAgain(): void;
    /** The server has shown what is at `seq`. */
    shown(event: StreamEvent, params: unknown, seq: number): void;
    /** The server has nothing of the positions in between any more. */
    missed(missedFrom: number, resumesFrom: number): void;
    /** Whether handlers that do not follow are shown an event: once, and never what their own agent said. */
    isForPlainHandlers(seq: number, isOwn: boolean): boolean;
    /** A reader has gone; where it stood is where the next one begins. */
    remove(reader: Reader): void;
    /** What was followed is not there any longer, so that no position in it means anything. */
    forget(): void;
}
/** Everything that is followed. */
export declare class Streams {
    #private;
    /** `ask` is called when the server must be asked to follow a stream; it marks the stream as `asking`. */
    constructor(positions: Positions | undefined, ask: (stream: Stream) => void);
    get all(): Stream[];
    get(source: Source): Stream;
    /** The stream, if anybody ever asked for it. */
    find(source: Source): Stream | undefined;
    /** A new connection, before what it goes on with is known. */
    enter(epoch: string | null): void;
    get positions(): Positions;
    /** Follows if somebody lacks something. */
    check(stream: Stream): void;
    /** What a new connection goes on with, at most `limit` rooms; the others are followed afterwards. */
    resumeRequest(limit: number): ResumeRequest;
    /** Takes note of what a new connection goes on with; returns what was refused, with the errors of the protocol. */
    resumed(request: ResumeRequest, rooms: unknown, direct: unknown): [Source, unknown][];
    /** Hands an event on to those who follow; returns whether it is for the handlers at large, too. */
    take(event: string, params: unknown, ownId: string | null): boolean;
}
/** Whether `value` names an epoch and a number, as positions and answers to following do, whatever its type says. */
export declare function saysWhere(value: unknown): value is FollowResult;
