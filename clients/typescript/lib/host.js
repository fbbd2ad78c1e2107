/**
 * What the client uses of the program that runs it: Node or a browser.
 *
 * Declared here, and not taken from the type libraries of either, so that nothing which only one of them has can slip
 * in unnoticed and so that users of the declarations need neither.
 */
export const host = globalThis;
/** The value of an environment variable; undefined when it is unset or empty, and wherever there is no environment. */
export function environment(name) {
    return host.process?.env?.[name] || undefined;
}
/**
 * Finds the way to open sockets here: the built-in WebSocket where there is one, else the package `ws`.
 *
 * `ws` is loaded only when it is needed, so browsers never ask for it.
 */
export async function socketOpener() {
    const BuiltIn = host.WebSocket;
    if (BuiltIn !== undefined) {
        return (url) => new BuiltIn(url);
    }
    const { WebSocket } = (await import("ws").catch((cause) => {
        throw new Error("this version of Node has no WebSocket of its own: run `npm install ws`", { cause });
    }));
    // Compression would cost memory on both sides for frames that are mostly small.
    return (url) => new WebSocket(url, { perMessageDeflate: false });
}
