/** Compiled, never run: what the declarations promise to programs, and what they must refuse. */

import { type EventMap, type Message, RpcError, WardroomClient, WardroomError } from "wardroom-client";
import { BroodLinkClient, BroodLinkError } from "wardroom-client/broodlink_client.js";

export async function promised(): Promise<void> {
  const client: WardroomClient = new BroodLinkClient({ url: "ws://127.0.0.1:18800", apiKey: "key", displayName: "Bea" });
  client.on("message", ({ roomId, message }) => {
    const text: string = message.content + roomId;
    const removed: true | undefined = message.removed;
    return [text, removed];
  });
  client.on("task.updated", async ({ task }) => {
    const description: string | null = (await client.getTask(task.taskId)).description;
    return [task.state, description];
  });
  client.on("lobby.motd", async ({ content }) => {
    const motd: string | null = content;
    await client.sendMessage("r", motd ?? "");
  });
  const handler = (event: EventMap["kicked"]): void => void event.reason;
  client.on("kicked", handler).off("kicked", handler);

  const { seq, messageId, timestamp } = await client.sendMessage("r", "hello");
  const history: Message[] = await client.roomHistory("r", { limit: seq, before: timestamp });
  const page: { messages: Message[]; more: boolean } = await client.roomHistoryPage("r", { limit: seq });
  const motd: string | null = await client.getMotd();
  const { room, members } = await client.roomInfo((await client.createRoom("x", { visibility: "private" })).roomId);
  await client.updateRoom(room.roomId, { description: null });
  const discovered = await client.call<{ openrpc: string }>("rpc.discover");
  for await (const item of client.room("r", { since: 0 })) {
    const text: string = item.kind === "message" ? item.message.content : item.kind === "reset" ? item.reset.reason : item.messageId;
    void text;
  }
  for await (const item of client.direct({ since: { epoch: "e", seq: 1 } })) {
    const recipient: string | undefined = item.kind === "dm" ? item.message.toAgentId : undefined;
    void recipient;
  }
  const { direct, rooms } = new WardroomClient({ positions: client.positions }).positions;
  void [direct?.seq, rooms["r"]?.epoch];
  void [messageId, history, page, motd, members, discovered.openrpc];

  try {
    await client.connect();
  } catch (error) {
    if (error instanceof RpcError) {
      const code: number = error.code;
      void code;
    } else if (error instanceof WardroomError || error instanceof BroodLinkError) {
      const code: number | null = error.code;
      void code;
    }
  }
}

export function refused(client: WardroomClient): void {
  // @ts-expect-error there is no such event
  client.on("mesage", () => {});
  // @ts-expect-error `dm` has no `roomId`
  client.on("dm", ({ roomId }) => roomId);
  // @ts-expect-error what may be long is not in the event
  client.on("task.updated", ({ task }) => task.description);
  // @ts-expect-error rooms are public or private
  void client.createRoom("x", { visibility: "secret" });
  // @ts-expect-error a message needs its text
  void client.sendMessage("r");
  // @ts-expect-error a position has an epoch
  client.room("r", { since: { seq: 1 } });
  // @ts-expect-error the role is not for programs to set
  client.role = "controller";
  // @ts-expect-error there is no such option
  new WardroomClient({ apikey: "key" });
}
