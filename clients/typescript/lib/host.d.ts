/**
 * What the client uses of the program that runs it: Node or a browser.
 *
 * Declared here, and not taken from the type libraries of either, so that nothing which only one of them has can slip
 * in unnoticed and so that users of the declarations need neither.
 */
/** The part of a WebSocket that the client uses; the browser's, Node's own and the one of `ws` all have it. */
export interface Socket {
    onopen: ((event: unknown) => void) | null;
    onmessage: ((event: {
        readonly data: unknown;
    }) => void) | null;
    onerror: ((event: {
        readonly message?: unknown;
    }) => void) | null;
    onclose: ((event: {
        readonly code: number;
        readonly reason: string;
    }) => void) | null;
    send(text: string): void;
    close(code?: number, reason?: string): void;
    /** Cuts the link without a closing handshake; only the socket of `ws` can do that. */
    terminate?(): void;
}
/** Starts to open a socket to `url`. */
export type OpenSocket = (url: string) => Socket;
interface Host {
    readonly setTimeout: (callback: () => void, delayMs: number) => unknown;
    readonly clearTimeout: (timer: unknown) => void;
    readonly console: {
        error(...values: unknown[]): void;
    };
    readonly URL: new (text: string) => {
        readonly protocol: string;
        readonly host: string;
        readonly pathname: string;
    };
    readonly WebSocket?: new (url: string) => Socket;
    readonly performance: {
        now(): number;
    };
    readonly crypto: {
        getRandomValues(bytes: Uint8Array): Uint8Array;
    };
    readonly fetch: (url: string, request: FetchRequest) => Promise<{
        readonly status: number;
        text(): Promise<string>;
    }>;
    readonly AbortSignal: {
        timeout(delayMs: number): unknown;
        any(signals: readonly unknown[]): unknown;
    };
    readonly process?: {
        readonly env?: Readonly<Record<string, string | undefined>>;
    };
}
/** The part of a request that the client sets. */
interface FetchRequest {
    readonly method: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string | undefined;
    readonly signal: unknown;
}
export declare const host: Host;
/** The value of an environment variable; undefined when it is unset or empty, and wherever there is no environment. */
export declare function environment(name: string): string | undefined;
/**
 * Finds the way to open sockets here: the built-in WebSocket where there is one, else the package `ws`.
 *
 * `ws` is loaded only when it is needed, so browsers never ask for it.
 */
export declare function socketOpener(): Promise<OpenSocket>;
export {};
