/**
 * The client under its published name, so that programs written for BroodLink work unchanged.
 *
 * @module
 */

export * from "./wardroom_client.js";
export { WardroomClient as BroodLinkClient } from "./wardroom_client.js";
export { WardroomError as BroodLinkError } from "./wardroom_client.js";
