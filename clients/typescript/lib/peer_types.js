/** Rooms that are opened to peers beyond the server. */
export {};
