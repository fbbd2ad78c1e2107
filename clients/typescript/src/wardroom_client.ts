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

export { Bridge, type BridgeOptions, type BridgeSendOptions, DEFAULT_BRIDGE_URL, type InBridgeRoom } from "./lib/bridge.js";
export type * from "./lib/bridge_types.js";
export { WardroomClient } from "./lib/client.js";
export { enrol, type EnrolOptions } from "./lib/enrol.js";
export {
  BridgeError,
  BridgeUnreachableError,
  ConnectionLostError,
  ErrorCode,
  NotConnectedError,
  ProtocolError,
  RequestTimeoutError,
  RpcError,
  WardroomError,
} from "./lib/errors.js";
export type { EventMap, EventName, Handler } from "./lib/events.js";
export { Items } from "./lib/iteration.js";
export type {
  DirectItem,
  DirectStreamItem,
  MessageItem,
  RemovalItem,
  ResetItem,
  RoomItem,
} from "./lib/iteration.js";
export type { CallOptions } from "./lib/methods.js";
export type * from "./lib/agent_types.js";
export type * from "./lib/peer_types.js";
export type * from "./lib/position_types.js";
export type { ClientOptions, ErrorReport, Timers } from "./lib/settings.js";
export type * from "./lib/task_types.js";
export type * from "./lib/types.js";
