import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { openPassage, type Passage } from "./passage.js";
import { SERVER } from "./places.js";
import { within } from "./waiting.js";

const LISTENING = /listening on ws:\/\/\S+:(\d+)/;
const CONTROLLER_KEY = /bl_k_ctrl_[0-9a-f]{48}/;

/** The real server on a data directory of its own. */
export class LiveServer {
  controllerKey = "";
  readonly #environment: Record<string, string>;
  readonly #dataDir = mkdtempSync(join(tmpdir(), "wardroom-typescript-"));
  readonly #passage: Passage;
  #process: ChildProcess | null = null;

  private constructor(environment: Record<string, string>, passage: Passage) {
    this.#environment = environment;
    this.#passage = passage;
  }

  /** The address, which stays the same for every start. */
  get url(): string {
    return this.#passage.url;
  }

  /** Starts a fresh server; `environment` is added to what it gets. */
  static async start(environment: Record<string, string> = {}): Promise<LiveServer> {
    if (!existsSync(SERVER)) {
      throw new Error(`there is no server at \`${SERVER}\`: run \`cargo build --release\`, or set \`WARDROOM_BIN\``);
    }
    const server = new LiveServer(environment, await openPassage());
    try {
      await server.#run();
    } catch (error) {
      await server.remove();
      throw error;
    }
    return server;
  }

  /** Ends the server in its orderly way. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  /** Ends the server at once. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Starts it again on the same data. */
  async startAgain(): Promise<void> {
    await this.#run();
  }

  /** Runs a command of the program on the data, which must succeed. */
  async command(...words: string[]): Promise<void> {
    const process = spawn(SERVER, [...words, "--data-dir", this.#dataDir], {
      env: { ...cleanEnvironment(), ...this.#environment },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const errors = text(process.stderr);
    const [status] = (await within(once(process, "exit"), `the end of \`${words[0]}\``)) as [number | null];
    if (status !== 0) {
      throw new Error(`\`${words[0]}\` failed: ${await errors}`);
    }
  }

  /** A path on which nothing is, gone with the data. */
  freePath(name: string): string {
    return join(this.#dataDir, name);
  }

  /** Ends the server and removes its data. */
  async remove(): Promise<void> {
    try {
      await this.stop();
    } finally {
      this.#process?.kill("SIGKILL");
      this.#passage.close();
      rmSync(this.#dataDir, { recursive: true, force: true });
    }
  }

  async #end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const process = this.#process;
    this.#process = null;
    if (process !== null && process.exitCode === null && process.signalCode === null) {
      const exited = once(process, "exit");
      process.kill(signal);
      await within(exited, "the end of the server");
    }
    this.#passage.leadTo(null); // Somebody else may get the port now.
  }

  async #run(): Promise<void> {
    const process = spawn(SERVER, ["serve", "-f", "--port", "0", "--data-dir", this.#dataDir], {
      env: { ...cleanEnvironment(), ...this.#environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = process;
    let output = "";
    const ready = new Promise<void>((resolve, reject) => {
      const read = (line: string): void => {
        output += `${line}\n`;
        this.controllerKey ||= CONTROLLER_KEY.exec(line)?.[0] ?? "";
        const port = LISTENING.exec(output)?.[1];
        if (port !== undefined && this.controllerKey !== "") {
          this.#passage.leadTo(Number(port));
          resolve();
        }
      };
      createInterface(process.stdout).on("line", read);
      createInterface(process.stderr).on("line", (line) => {
        output += `${line}\n`;
      });
      process.once("error", reject);
      process.once("exit", (code, signal) => {
        reject(new Error(`the server ended (${signal ?? `status ${code}`}) before it listened:\n${output}`));
      });
    });
    await within(ready, "the server to say that it listens and, on a fresh data directory, its controller key");
  }
}

/** The environment without anything that the server or a client would take as a setting. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("WARDROOM_") && !name.startsWith("BROODLINK_")),
  );
}
