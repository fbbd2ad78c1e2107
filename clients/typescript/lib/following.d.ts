/** What the client does to keep followed rooms and direct messages complete. */
import type { Session } from "./agent_types.js";
import { type Connection } from "./connection.js";
import type { Handlers } from "./events.js";
import { BufferedReader } from "./iteration.js";
import type { FollowResult, Position, Positions } from "./position_types.js";
import type { Settings } from "./settings.js";
import { type ResumeRequest, type Source, type Stream } from "./streams.js";
/** Follows on behalf of handlers and iterations, over one connection after the other. */
export declare class Following {
    #private;
    constructor(handlers: Handlers, settings: Settings);
    get positions(): Positions;
    /**
     * Before a connection that is asked for: handlers go on where they were, or where the positions that were handed in say,
     * if there are any for it. Where iterations left off is for further iterations alone.
     */
    begin(): void;
    /** What `auth` is to go on with. */
    resumeRequest(): ResumeRequest;
    /** A new connection, before its first event. What `auth` did not resume is followed. */
    adopt(connection: Connection, { epoch, resumed, resumedDirect }: Session): void;
    /** The client has ended, for good if there is an error. */
    end(error: unknown): void;
    /** Sorts an event in; returns whether it is for the handlers at large, too. */
    take(event: string, params: unknown, ownId: string | null): boolean;
    /** A room may have been lost: the server knows. */
    recheck(roomId: string, isDeleted?: boolean): void;
    checkAll(): void;
    /** Begins an iteration. */
    read(source: Source, since: Position | undefined): {
        reader: BufferedReader;
        stream: Stream;
    };
    check(stream: Stream): void;
    /** Follows for handlers; `send` makes the request. */
    follow(source: Source, since: Position | undefined, send: (since: Position | undefined, onResult: (result: unknown) => void) => Promise<FollowResult>): Promise<FollowResult>;
}
