/** Everything that a call can fail with. */
/** Error codes of the protocol, by name. */
export declare const ErrorCode: {
    readonly parseError: -32700;
    readonly invalidRequest: -32600;
    readonly methodNotFound: -32601;
    readonly invalidParams: -32602;
    /** A fault of the server; `data.requestId` finds it in the server's log. */
    readonly internalError: -32603;
    readonly authRequired: 4001;
    /** The key is unknown or revoked. */
    readonly authFailed: 4002;
    readonly forbidden: 4003;
    readonly agentBanned: 4004;
    readonly roomNotFound: 4010;
    readonly notAMember: 4011;
    readonly alreadyAMember: 4012;
    readonly notInvited: 4013;
    readonly agentNotFound: 4020;
    readonly cannotModifyLobby: 4030;
    readonly roomLimit: 4040;
    readonly messageTooLong: 4050;
    readonly messageNotFound: 4060;
    readonly alreadyRemoved: 4061;
    readonly documentNotFound: 4070;
    readonly readOnlyDocument: 4071;
    /** Too many requests; `data.retryAfterMs` says when to try again. */
    readonly limited: 4080;
    /** The idempotency key was used for another request within the last 24 hours. */
    readonly idempotencyKeyReused: 4081;
    /** The enrolment token is unknown, used or expired. */
    readonly enrolmentFailed: 4110;
    readonly keyNotFound: 4111;
    readonly keyLimit: 4112;
    /** Nothing was saved; reading still works. */
    readonly storageUnavailable: 4090;
    readonly storageDamaged: 4091;
    readonly shuttingDown: 4092;
    readonly taskNotFound: 4100;
    /** Somebody holds the task; `data.holder` says who, `data.leaseExpiresAt` until when. */
    readonly taskHeld: 4101;
    /** The lease of that generation has ended. */
    readonly staleGeneration: 4102;
    /** Not in the state that the task is in, which `data.state` tells. */
    readonly taskState: 4103;
    readonly taskLimit: 4104;
    readonly openingNotFound: 4120;
    readonly openingLimit: 4121;
    readonly p2pRoomTaken: 4122;
    readonly roomPaused: 4130;
};
/** What every error of this client is an instance of. */
export declare class WardroomError extends Error {
    readonly name: string;
    /** The protocol's error code; null when the error did not come from the server. */
    readonly code: number | null;
    /** What the server added to its error; undefined when nothing. */
    readonly data: unknown;
    constructor(message: string, code?: number | null, data?: unknown, options?: {
        cause?: unknown;
    });
    /** Whether the server says that the same call may succeed later; false when it does not say. */
    get retryable(): boolean;
}
/** The server refused the call: it had no effect. */
export declare class RpcError extends WardroomError {
    readonly name = "RpcError";
    readonly code: number;
    constructor(code: number, message: string, data?: unknown);
}
/** The server sent something that is no answer to what was asked. */
export declare class ProtocolError extends WardroomError {
    readonly name = "ProtocolError";
}
/** There was no connection, so the call was never sent. */
export declare class NotConnectedError extends WardroomError {
    readonly name = "NotConnectedError";
    constructor(message: string, cause?: unknown);
}
/**
 * The connection ended between the request and its answer.
 *
 * The call may have taken effect or not. The client repeats by itself only what has an idempotency key (messages and
 * changes of tasks), for up to `retryMs`.
 */
export declare class ConnectionLostError extends WardroomError {
    readonly name = "ConnectionLostError";
    /**
     * The key of the call, null if it had none. The same call with this key, within 24 hours, is carried out once, whatever
     * became of this one.
     */
    idempotencyKey: string | null;
}
/** The answer did not come in time. The call may still take effect. */
export declare class RequestTimeoutError extends WardroomError {
    readonly name = "RequestTimeoutError";
    /** As for `ConnectionLostError`. */
    idempotencyKey: string | null;
}
/** No bridge answered. A message that was being sent may have been taken: send it with an `id` to be sure of one. */
export declare class BridgeUnreachableError extends WardroomError {
    readonly name = "BridgeUnreachableError";
    constructor(message: string, cause: unknown);
}
/** The bridge refused a request. */
export declare class BridgeError extends WardroomError {
    readonly name = "BridgeError";
    /** The HTTP status. */
    readonly status: number;
    /** What to do about it; null where the bridge says nothing. */
    readonly hint: string | null;
    constructor(status: number, message: string, hint: string | null);
    /** The error for the body of an answer. */
    static of(status: number, answer: unknown): BridgeError;
}
/** Whether `value` is an object whose members can be looked at. */
export declare function isObject(value: unknown): value is Record<string, unknown>;
/** The text of whatever was thrown. */
export declare function messageOf(error: unknown): string;
