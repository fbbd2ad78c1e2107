import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TestContext } from "node:test";
import { Inbox } from "./waiting.js";

/** A way to the server that the test can break. */
export interface Passage {
  readonly url: string;
  /** Cuts every connection that goes through; new ones are let through again. */
  cut(): void;
  /** Lets nothing more come back from the server on the connections that there are. */
  swallowAnswers(): void;
  /** Waits until something was swallowed. */
  swallowed(): Promise<void>;
}

/** Opens a passage to a port of this machine, for as long as the test runs. */
export async function passage(test: TestContext, port: number): Promise<Passage> {
  const pairs = new Set<{ near: Socket; far: Socket; swallows: boolean }>();
  const eaten = new Inbox<void>("an answer that does not arrive");
  const server = createServer((near) => {
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
  test.after(() => {
    cut();
    server.close();
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    swallowAnswers: () => {
      for (const pair of pairs) {
        pair.swallows = true;
      }
    },
    swallowed: () => eaten.take(),
  };
}
