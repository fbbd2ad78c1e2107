/** Places in rooms and in direct messages, and following from there. */
export {};
