/** Web pages in a browser on the machine of a bridge, which may not use it. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import type { Bridge } from "wardroom-client";
import { openBrowser, skip } from "./support/browser.js";
import { LiveBridge } from "./support/live_bridge.js";

/** A name that leads to this machine once the page of an attacker is loaded. */
const REBOUND = "rebound.example";

/** Serves an empty page and tells its origin. */
async function servePage(t: TestContext): Promise<string> {
  const pages = createServer((_request, response) => {
    response.setHeader("content-type", "text/html");
    response.end("<!doctype html><title>elsewhere</title>");
  });
  pages.listen(0, "127.0.0.1");
  await once(pages, "listening");
  t.after(() => {
    pages.closeAllConnections();
    pages.close();
  });
  return `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
}

/** A bridge without rooms, and an agent at it. */
async function start(t: TestContext): Promise<{ live: LiveBridge; agent: Bridge }> {
  const live = await LiveBridge.start("Bridge", "ws://127.0.0.1:9/");
  t.after(() => live.remove());
  return { live, agent: live.agent("observer") };
}

test("a page of another origin can neither read from a bridge nor change anything", { skip }, async (t) => {
  const { live, agent } = await start(t);
  const hub = { hub: "ws://127.0.0.1:9", keyFile: "/nothing", roomId: "stolen" };
  const browser = await openBrowser(t);
  const page = await browser.newPage();
  await page.goto(await servePage(t));
  const outcomes = await page.evaluate(
    async ({ url, body }) => {
      const attempt = (path: string, request: RequestInit): Promise<string> =>
        fetch(url + path, request).then(
          async (answer) => `${answer.type} ${answer.status} ${await answer.text()}`,
          () => "refused",
        );
      return [
        await attempt("/rooms", {}),
        await attempt("/status", { mode: "no-cors" }),
        await attempt("/connect", { method: "POST", mode: "no-cors", body }),
        await attempt("/close", { method: "POST", headers: { "content-type": "application/json" }, body }),
      ];
    },
    { url: live.url, body: JSON.stringify(hub) },
  );
  // A request that no permission is asked for is sent; what it was answered stays hidden.
  assert.deepEqual(outcomes, ["refused", "opaque 0 ", "opaque 0 ", "refused"]);
  assert.deepEqual(await agent.rooms(), []);
});

test("a form of another origin is refused by a bridge", { skip }, async (t) => {
  const { live, agent } = await start(t);
  const browser = await openBrowser(t);
  const page = await browser.newPage();
  await page.goto(await servePage(t));
  const answered = page.waitForResponse((response) => response.url().startsWith(live.url));
  await page.evaluate((url) => {
    const form = document.createElement("form");
    Object.assign(form, { method: "POST", enctype: "text/plain", action: `${url}/connect` });
    const field = document.createElement("input");
    Object.assign(field, { name: '{"roomId":"stolen","x":"', value: '"}' });
    form.append(field);
    document.body.append(form);
    form.submit();
  }, live.url);
  assert.equal((await answered).status(), 403);
  assert.deepEqual(await agent.rooms(), []);
});

test("a page whose name was pointed at this machine is refused by a bridge", { skip }, async (t) => {
  const { live } = await start(t);
  const { port } = new URL(live.url);
  const browser = await openBrowser(t, `--host-resolver-rules=MAP ${REBOUND} 127.0.0.1`);
  const page = await browser.newPage();
  const answer = await page.goto(`http://${REBOUND}:${port}/rooms`);
  assert.equal(answer?.status(), 403);
});
