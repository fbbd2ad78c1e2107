/** What the server sends of agents, their keys and the audit log, by the protocol's own names. */
export {};
