import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Bridge } from "wardroom-client";
import { cleanEnvironment } from "./live_server.js";
import { SERVER } from "./places.js";
import { within } from "./waiting.js";

/** `wardroom bridge` with a home directory of its own. */
export class LiveBridge {
  readonly #process: ChildProcess;
  readonly #home: string;
  readonly url: string;

  private constructor(process: ChildProcess, home: string, port: number) {
    this.#process = process;
    this.#home = home;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** Starts a bridge called `name` that finds others by the signaling server `signal`. */
  static async start(name: string, signal: string): Promise<LiveBridge> {
    const home = mkdtempSync(join(tmpdir(), "wardroom-bridge-"));
    // Nobody else is asked for addresses.
    writeFileSync(join(home, ".agentlinkrc"), JSON.stringify({ iceServers: [] }));
    const words = ["bridge", "--foreground", "--port", "0", "--name", name, "--signal", signal];
    const process = spawn(SERVER, words, {
      cwd: home,
      env: { ...cleanEnvironment(), HOME: home },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [line] = (await within(once(createInterface(process.stdout), "line"), "the bridge to listen")) as [string];
    const { port } = JSON.parse(line) as { port: number };
    return new LiveBridge(process, home, port);
  }

  /** A path below its home directory. */
  path(name: string): string {
    return join(this.#home, name);
  }

  /** An agent at the bridge. */
  agent(name: string): Bridge {
    return new Bridge({ url: this.url, agent: name });
  }

  /** Ends it and removes its data. */
  async remove(): Promise<void> {
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    await within(exited, "the end of the bridge");
    rmSync(this.#home, { recursive: true, force: true });
  }
}
