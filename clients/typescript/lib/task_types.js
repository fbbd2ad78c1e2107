/** What the server sends of tasks, and what it is asked about them, by the protocol's own names. */
export {};
