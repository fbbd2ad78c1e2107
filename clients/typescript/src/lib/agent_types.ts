/** What the server sends of agents, their keys and the audit log, by the protocol's own names. */

import type { Permission } from "./peer_types.js";
import type { FollowResult } from "./position_types.js";

export type Role = "controller" | "participant";

/** The answer of calls that have nothing else to say. */
export interface Status {
  status: "ok";
}

/** The answer to `auth`: who this client is and what it finds. */
export interface Session extends Status {
  agentId: string;
  role: Role;
  /** The name used in this session; the registered name unless another was asked for. */
  displayName: string;
  lobby: { roomId: string; name: string };
  /** The message of the day; null when there is none. */
  motd: string | null;
  /** Changes when the server's database is replaced: positions from another epoch mean nothing. */
  epoch?: string;
  /** `full`: an answered call survives a crash at once. `relaxed`: it is written a little later. */
  durability?: "full" | "relaxed";
  version?: string;
  /** How it went with the rooms that this client had followed; only after reconnecting. */
  resumed?: Record<string, FollowResult | { error: unknown }>;
  /** The same for direct messages. */
  resumedDirect?: FollowResult | { error: unknown };
}

export interface Agent {
  agentId: string;
  displayName: string;
  role: Role;
  /** Present for peers beyond the server only. */
  origin?: "p2p";
  /** What a peer may do; present for peers beyond the server only. */
  permission?: Permission;
  banned: boolean;
  online: boolean;
  /** Null for an agent that was never here. */
  lastSeen: number | null;
}

export interface InvitedAgent {
  agentId: string;
  displayName: string;
  /** The new agent's key. It is shown this once. */
  apiKey: string;
  role: "participant";
}

/** A new agent that gets its key by `enrol`. */
export interface AgentToEnrol {
  agentId: string;
  displayName: string;
  /** What `enrol` takes, once. It is shown this once. */
  enrolmentToken: string;
  /** When the token ends, in milliseconds since 1970. */
  enrolmentExpiresAt: number;
  role: "participant";
}

/** What a key is to be. */
export interface KeyOptions {
  /** When it ends, in milliseconds since 1970; never when left out. */
  expiresAt?: number | undefined;
  /** Whether it may only look. */
  readOnly?: boolean | undefined;
  /** The only rooms there are for it; all of them when left out. */
  rooms?: readonly string[] | undefined;
  /** Whether it has direct messages although its rooms are restricted. */
  direct?: boolean | undefined;
}

export interface InviteOptions extends KeyOptions {
  /** Makes an enrolment token instead of the key. */
  enrol?: boolean | undefined;
  keyName?: string | undefined;
}

export interface RotateOptions {
  /** This agent when left out; anybody else for the controller only. */
  agentId?: string | undefined;
  /** That of this session when left out, or the only one of the other agent. */
  keyId?: string | undefined;
  /** How long the former key goes on working; 0 ends it at once. A day if the server has its defaults. */
  overlapMs?: number | undefined;
  keyName?: string | undefined;
  expiresAt?: number | undefined;
}

/** What is known of a key. */
export interface Key {
  keyId: string;
  keyName: string;
  createdAt: number;
  /** Null is never. */
  expiresAt: number | null;
  readOnly: boolean;
  /** Null is all rooms. */
  rooms: string[] | null;
  direct: boolean;
}

export interface ListedKey extends Key {
  lastUsedAt: number | null;
  /** Whether this session came in with it. */
  current: boolean;
  /** Whether it waits for its enrolment. */
  pending: boolean;
}

/** A new key: `apiKey` for oneself, `enrolmentToken` for another agent. Either is shown this once. */
export interface IssuedKey {
  agentId: string;
  apiKey?: string;
  enrolmentToken?: string;
  enrolmentExpiresAt?: number;
  key: Key;
}

export interface RotatedKey extends IssuedKey {
  previousKeyId: string;
  /** Of another agent, whose overlap begins when it uses its token: when that key ends anyway, null when never. */
  previousExpiresAt: number | null;
}

export interface EnrolledAgent {
  agentId: string;
  displayName: string;
  role: Role;
  /** The agent's key. It is shown this once. */
  apiKey: string;
  key: Key;
}

export interface RenamedAgent extends Status {
  agentId: string;
  displayName: string;
}

export interface AuditOptions {
  /** 1 to 1,000; 100 when left out. */
  limit?: number | undefined;
  /** Only entries before this `seq`. */
  before?: number | undefined;
  agentId?: string | undefined;
  method?: string | undefined;
}

export interface AuditEntry {
  seq: number;
  at: number;
  actor: string;
  method: string;
  targets: string[];
  address: string | null;
  gateway: string;
  /** `ok`, or the code of the refusal. */
  outcome: string;
  count: number;
}

export interface AuditPage {
  /** The newest first. */
  entries: AuditEntry[];
  /** Whether all that is kept is as it was written. */
  intact: boolean;
  brokenAt: number | null;
}
