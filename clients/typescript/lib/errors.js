/** Everything that a call can fail with. */
/** Error codes of the protocol, by name. */
export const ErrorCode = {
    parseError: -32700,
    invalidRequest: -32600,
    methodNotFound: -32601,
    invalidParams: -32602,
    /** A fault of the server; `data.requestId` finds it in the server's log. */
    internalError: -32603,
    authRequired: 4001,
    /** The key is unknown or revoked. */
    authFailed: 4002,
    forbidden: 4003,
    agentBanned: 4004,
    roomNotFound: 4010,
    notAMember: 4011,
    alreadyAMember: 4012,
    notInvited: 4013,
    agentNotFound: 4020,
    cannotModifyLobby: 4030,
    roomLimit: 4040,
    messageTooLong: 4050,
    messageNotFound: 4060,
    alreadyRemoved: 4061,
    documentNotFound: 4070,
    readOnlyDocument: 4071,
    /** Too many requests; `data.retryAfterMs` says when to try again. */
    limited: 4080,
    /** The idempotency key was used for another request within the last 24 hours. */
    idempotencyKeyReused: 4081,
    /** The enrolment token is unknown, used or expired. */
    enrolmentFailed: 4110,
    keyNotFound: 4111,
    keyLimit: 4112,
    /** Nothing was saved; reading still works. */
    storageUnavailable: 4090,
    storageDamaged: 4091,
    shuttingDown: 4092,
    taskNotFound: 4100,
    /** Somebody holds the task; `data.holder` says who, `data.leaseExpiresAt` until when. */
    taskHeld: 4101,
    /** The lease of that generation has ended. */
    staleGeneration: 4102,
    /** Not in the state that the task is in, which `data.state` tells. */
    taskState: 4103,
    taskLimit: 4104,
    openingNotFound: 4120,
    openingLimit: 4121,
    p2pRoomTaken: 4122,
    roomPaused: 4130,
};
/** What every error of this client is an instance of. */
export class WardroomError extends Error {
    name = "WardroomError";
    /** The protocol's error code; null when the error did not come from the server. */
    code;
    /** What the server added to its error; undefined when nothing. */
    data;
    constructor(message, code = null, data, options) {
        super(message, options);
        this.code = code;
        this.data = data;
    }
    /** Whether the server says that the same call may succeed later; false when it does not say. */
    get retryable() {
        return isObject(this.data) && this.data["retryable"] === true;
    }
}
/** The server refused the call: it had no effect. */
export class RpcError extends WardroomError {
    name = "RpcError";
    constructor(code, message, data) {
        super(message, code, data);
    }
}
/** The server sent something that is no answer to what was asked. */
export class ProtocolError extends WardroomError {
    name = "ProtocolError";
}
/** There was no connection, so the call was never sent. */
export class NotConnectedError extends WardroomError {
    name = "NotConnectedError";
    constructor(message, cause) {
        super(message, null, undefined, cause === undefined ? undefined : { cause });
    }
}
/**
 * The connection ended between the request and its answer.
 *
 * The call may have taken effect or not. The client repeats by itself only what has an idempotency key (messages and
 * changes of tasks), for up to `retryMs`.
 */
export class ConnectionLostError extends WardroomError {
    name = "ConnectionLostError";
    /**
     * The key of the call, null if it had none. The same call with this key, within 24 hours, is carried out once, whatever
     * became of this one.
     */
    idempotencyKey = null;
}
/** The answer did not come in time. The call may still take effect. */
export class RequestTimeoutError extends WardroomError {
    name = "RequestTimeoutError";
    /** As for `ConnectionLostError`. */
    idempotencyKey = null;
}
/** No bridge answered. A message that was being sent may have been taken: send it with an `id` to be sure of one. */
export class BridgeUnreachableError extends WardroomError {
    name = "BridgeUnreachableError";
    constructor(message, cause) {
        super(message, null, undefined, { cause });
    }
}
/** The bridge refused a request. */
export class BridgeError extends WardroomError {
    name = "BridgeError";
    /** The HTTP status. */
    status;
    /** What to do about it; null where the bridge says nothing. */
    hint;
    constructor(status, message, hint) {
        super(hint === null ? message : `${message} (${hint})`);
        this.status = status;
        this.hint = hint;
    }
    /** The error for the body of an answer. */
    static of(status, answer) {
        const { error, hint } = isObject(answer) ? answer : {};
        const message = typeof error === "string" ? error : `the bridge answered with status ${status}`;
        return new BridgeError(status, message, typeof hint === "string" ? hint : null);
    }
}
/** Whether `value` is an object whose members can be looked at. */
export function isObject(value) {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
/** The text of whatever was thrown. */
export function messageOf(error) {
    return error instanceof Error ? error.message : String(error);
}
