// A program as somebody wrote it for BroodLink: it knows the published names and nothing else.
// It says in the lobby what it was told, waits for an answer there, and prints what it saw as JSON.

import { BroodLinkClient } from "../../broodlink_client.js";

const client = new BroodLinkClient({
  url: process.env.TEST_URL,
  apiKey: process.env.TEST_KEY,
  displayName: "Old Hand",
});

const answered = new Promise((resolve) => {
  client.on("message", ({ message }) => resolve(message));
});

await client.connect();
const rooms = await client.listRooms();
await client.sendMessage(client.lobbyId, "hello from an old program");
const answer = await answered;

console.log(
  JSON.stringify({
    builtInWebSocket: typeof WebSocket === "function",
    displayName: client.displayName,
    role: client.role,
    isParticipant: client.isParticipant,
    isController: client.isController,
    lobbies: rooms.filter((room) => room.isLobby).map((room) => room.roomId),
    lobbyId: client.lobbyId,
    answer: answer.content,
  }),
);
await client.close();
