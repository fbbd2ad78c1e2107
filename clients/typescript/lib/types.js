/**
 * What the server sends of rooms, messages and documents, by the protocol's own names.
 *
 * Ids are UUID strings; times are integer milliseconds since 1970. Servers may add members that are not named here.
 */
export {};
