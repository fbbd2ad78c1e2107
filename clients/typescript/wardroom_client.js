/**
 * The client of wardroom, and of any BroodLink server.
 *
 * ```ts
 * const client = new WardroomClient({ url: "ws://127.0.0.1:18800", apiKey });
 * client.on("message", ({ roomId, message }) => console.log(roomId, message.content));
 * await client.connect();
 * await client.sendMessage(roomId, "hello");
 * ```
 *
 * @module
 */
export { Bridge, DEFAULT_BRIDGE_URL } from "./lib/bridge.js";
export { WardroomClient } from "./lib/client.js";
export { enrol } from "./lib/enrol.js";
export { BridgeError, BridgeUnreachableError, ConnectionLostError, ErrorCode, NotConnectedError, ProtocolError, RequestTimeoutError, RpcError, WardroomError, } from "./lib/errors.js";
export { Items } from "./lib/iteration.js";
