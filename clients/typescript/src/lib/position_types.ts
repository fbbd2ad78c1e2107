/** Places in rooms and in direct messages, and following from there. */

/** A place among the messages of a room, or among direct messages. */
export interface Position {
  /** The life of a database; a position means something only in its epoch. */
  epoch: string;
  /** Counts from 1; 0 is before everything. */
  seq: number;
}

/** Up to where a client has everything. Can be kept as JSON. */
export interface Positions {
  /** By room id. */
  rooms: Record<string, Position>;
  direct?: Position;
}

/** Where a followed room stands: what lies between `since` and `seq` follows as events. */
export interface FollowResult {
  epoch: string;
  seq: number;
  /** Present when it does not go on at `since`. */
  reset?: { reason: "epoch" | "retention"; oldest: Position; resumesFrom: number };
}

/** What is followed does not go on at the position before. */
export interface Reset {
  /**
   * `retention`: what lies from `missedFrom` up to `resumesFrom` is not kept any longer. `epoch`: the position is one of
   * another database, and `missedFrom` one of that; what the server's present database has below `resumesFrom` is not shown,
   * but can be had by following from before `oldest`.
   */
  reason: "epoch" | "retention";
  /** Absent for direct messages. */
  roomId?: string;
  epoch: string;
  missedFrom: number;
  resumesFrom: number;
  /** The oldest position that the server still has, when it said so. */
  oldest?: Position;
}

export interface FollowOptions {
  /** The position up to which everything is known; without it the one that the client was given, else now. */
  since?: Position | undefined;
}

export interface IterateOptions {
  /**
   * Where to begin: behind a position, or behind a number of the server's present epoch, so that 0 begins with the oldest
   * message. When left out: behind the position that the client was given, or that the last iteration came to, else now.
   */
  since?: Position | number | undefined;
}
