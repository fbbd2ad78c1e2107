import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { SERVER } from "./places.js";
import { within } from "./waiting.js";

const LISTENING = /listening on (ws:\/\/\S+:(\d+))/;
const CONTROLLER_KEY = /bl_k_ctrl_[0-9a-f]{48}/;

/** The real server on a data directory of its own. */
export class LiveServer {
  url = "";
  controllerKey = "";
  readonly #environment: Record<string, string>;
  readonly #dataDir = mkdtempSync(join(tmpdir(), "wardroom-typescript-"));
  #process: ChildProcess | null = null;

  private constructor(environment: Record<string, string>) {
    this.#environment = environment;
  }

  /** Starts a fresh server; `environment` is added to what it gets. */
  static async start(environment: Record<string, string> = {}): Promise<LiveServer> {
    if (!existsSync(SERVER)) {
      throw new Error(`there is no server at \`${SERVER}\`: run \`cargo build --release\`, or set \`WARDROOM_BIN\``);
    }
    const server = new LiveServer(environment);
    try {
      await server.#run(0);
    } catch (error) {
      await server.remove();
      throw error;
    }
    return server;
  }

  /** Ends the server in its orderly way. */
  async stop(): Promise<void> {
    const process = this.#process;
    this.#process = null;
    if (process !== null && process.exitCode === null && process.signalCode === null) {
      const exited = once(process, "exit");
      process.kill("SIGTERM");
      await within(exited, "the end of the server");
    }
  }

  /** Ends the server at once. */
  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = null;
    if (process !== null && process.exitCode === null && process.signalCode === null) {
      const exited = once(process, "exit");
      process.kill("SIGKILL");
      await within(exited, "the end of the server");
    }
  }

  /** Starts it again on the same data and the same port. */
  async startAgain(): Promise<void> {
    await this.#run(Number(new URL(this.url).port));
  }

  /** Ends the server and removes its data. */
  async remove(): Promise<void> {
    try {
      await this.stop();
    } finally {
      this.#process?.kill("SIGKILL");
      rmSync(this.#dataDir, { recursive: true, force: true });
    }
  }

  async #run(port: number): Promise<void> {
    const process = spawn(SERVER, ["serve", "-f", "--port", String(port), "--data-dir", this.#dataDir], {
      env: { ...cleanEnvironment(), ...this.#environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = process;
    let output = "";
    const ready = new Promise<void>((resolve, reject) => {
      const read = (line: string): void => {
        output += `${line}\n`;
        this.controllerKey ||= CONTROLLER_KEY.exec(line)?.[0] ?? "";
        const url = LISTENING.exec(output)?.[1];
        if (url !== undefined && this.controllerKey !== "") {
          this.url = url;
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
