/** The client in a browser, against the real server. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Page } from "playwright-core";
import { WardroomClient } from "wardroom-client";
import type { BroodLinkClient } from "wardroom-client/broodlink_client.js";
import { openBrowser, skip } from "./support/browser.js";
import { LiveServer } from "./support/live_server.js";
import { PACKAGE } from "./support/places.js";
import { Inbox, within } from "./support/waiting.js";

/** What the script in the page keeps between the steps of the test. */
interface Stage {
  client: BroodLinkClient;
  seen: Promise<string>;
  reconnected: Promise<boolean>;
}

test("the client runs in a browser", { skip }, async (t) => {
  const pages = await servePackage(t);
  const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
  const server = await LiveServer.start({ WARDROOM_HTTP__ALLOWED_ORIGINS: JSON.stringify([origin]) });
  t.after(() => server.remove());
  const controller = new WardroomClient({ url: server.url, apiKey: server.controllerKey });
  t.after(() => controller.close());
  await controller.connect();
  const { apiKey, agentId } = await controller.inviteAgent("page");
  const messages = new Inbox<string>("a message");
  controller.on("message", ({ message }) => messages.put(message.content));

  const { page, requested } = await openPage(t, origin);
  const session = await page.evaluate(
    async ({ url, apiKey }) => {
      const { BroodLinkClient } = (await import("/broodlink_client.js" as string)) as typeof import("wardroom-client/broodlink_client.js");
      const client = new BroodLinkClient({ url, apiKey, reconnectBaseMs: 20 });
      const stage: Stage = {
        client,
        seen: new Promise((resolve) => client.on("message", ({ message }) => resolve(message.content))),
        reconnected: new Promise((resolve) => {
          client.on("connection.opened", ({ reconnected }) => reconnected && resolve(true));
        }),
      };
      Object.assign(globalThis, { stage });
      await client.connect();
      await client.sendMessage(client.lobbyId!, "hello from a page");
      const refused = await client.listAgents().catch((error: { code: number }) => error.code);
      return { agentId: client.agentId, role: client.role, refused };
    },
    { url: server.url, apiKey },
  );
  assert.deepEqual(session, { agentId, role: "participant", refused: 4003 });
  assert.equal(await messages.take(), "hello from a page");

  await controller.sendMessage(controller.lobbyId!, "hello page");
  assert.equal(await within(page.evaluate(() => stageOf().seen), "the page to see the message"), "hello page");

  await controller.kickAgent(agentId);
  assert.equal(await within(page.evaluate(() => stageOf().reconnected), "the page to reconnect"), true);
  await page.evaluate(async () => {
    const { client } = stageOf();
    await client.sendMessage(client.lobbyId!, "back again");
    await client.close();
  });
  assert.equal(await messages.take(), "back again");
  assert.deepEqual(requested.filter((path) => /\bws\b/.test(path)), [], "the page asked for the package `ws`");
});

/** Declared for the functions that run in the page, where the script below defines it. */
declare function stageOf(): Stage;

/** Serves the files of this package that a page needs, and an empty page. */
async function servePackage(t: TestContext): Promise<Server> {
  const pages = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://page").pathname;
    if (path === "/") {
      response.setHeader("content-type", "text/html");
      response.end("<!doctype html><title>wardroom</title><script>var stageOf = () => stage;</script>");
    } else if (/^\/(lib\/)?[a-z_]+\.js$/.test(path) && existsSync(join(PACKAGE, path))) {
      response.setHeader("content-type", "text/javascript");
      response.end(readFileSync(join(PACKAGE, path)));
    } else {
      response.statusCode = 404;
      response.end();
    }
  });
  pages.listen(0, "127.0.0.1");
  await once(pages, "listening");
  t.after(() => {
    pages.closeAllConnections();
    pages.close();
  });
  return pages;
}

async function openPage(t: TestContext, origin: string): Promise<{ page: Page; requested: string[] }> {
  const browser = await openBrowser(t);
  const page = await browser.newPage();
  const requested: string[] = [];
  page.on("request", (request) => requested.push(new URL(request.url()).pathname));
  await page.goto(origin);
  return { page, requested };
}
