import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { Inbox } from "./waiting.js";

/** A way to the server that stays at one address wherever the server is, and that the test can break. */
export interface Passage {
  readonly url: string;
  /** Where new connections come out from now on: at a port of this machine, or nowhere. */
  leadTo(port: number | null): void;
  /** Cuts every connection that goes through; new ones are let through again. */
  cut(): void;
  /** Lets nothing more come back from the server on the connections that there are. */
  swallowAnswers(): void;
  /** Waits until something was swallowed. */
  swallowed(): Promise<void>;
  /** Ends it. */
  close(): void;
}

/** Opens a passage to the server at `url`, for as long as the test runs. */
export async function passage(test: TestContext, url: string): Promise<Passage> {
  const opened = await openPassage();
  opened.leadTo(Number(new URL(url).port));
  test.after(() => opened.close());
  return opened;
}

/** Opens a passage that leads nowhere yet. */
export async function openPassage(): Promise<Passage> {
  let port: number | null = null;
  const pairs = new Set<{ near: Socket; far: Socket; swallows: boolean }>();
  const eaten = new Inbox<void>("an answer that does not arrive");
  const server = createServer((near) => {
    if (port === null) {
      near.destroy();
      return;
    }
    const far = connect(port, "127.0.0.1");
    const pair = { near, far, swallows: false };
    pairs.add(pair);
    near.pipe(far);
    far.on("data", (bytes) => {
      if (pair.swallows) {
        eaten.put();
      } else {
        near.write(bytes);
      }
    });
    const end = (): void => {
      pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      socket.on("error", end).on("close", end);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const { near, far } of [...pairs]) {
      near.destroy();
      far.destroy();
    }
  };
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    leadTo: (to) => {
      port = to;
    },
    cut,
    swallowAnswers: () => {
      for (const pair of pairs) {
        pair.swallows = true;
      }
    },
    swallowed: () => eaten.take(),
    close: () => {
      cut();
      server.close();
    },
  };
}
