/** What tests of following say to the client, and what they take from it. */

import assert from "node:assert/strict";
import type { Items, Position, RoomItem, Session } from "wardroom-client";
import { SESSION, type ServerLink } from "./scripted_server.js";

export const ROOM = "room-1";
export const WELCOME: Session = { ...SESSION, epoch: "epoch-1" };

export function at(seq: number, epoch = "epoch-1"): Position {
  return { epoch, seq };
}

export function say(link: ServerLink, seqs: number[], senderId = "agent-2"): void {
  for (const seq of seqs) {
    const message = { messageId: `m${seq}`, senderId, senderName: "n", content: String(seq), timestamp: seq, seq };
    link.event("message", { roomId: ROOM, message });
  }
}

export async function answerFollow(link: ServerLink, since: Position | undefined, seq: number, reset?: object): Promise<void> {
  const request = await link.expect("room.follow");
  assert.deepEqual(request.params, since === undefined ? { roomId: ROOM } : { roomId: ROOM, since });
  link.answer(request, { epoch: "epoch-1", seq, ...(reset === undefined ? {} : { reset }) });
}

export async function take(items: Items<RoomItem>, seqs: number[]): Promise<void> {
  for (const seq of seqs) {
    const { value } = await items.next();
    assert.ok(value?.kind === "message", JSON.stringify(value));
    assert.equal(value.message.seq, seq);
  }
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
