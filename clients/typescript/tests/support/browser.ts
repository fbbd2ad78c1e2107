/** A browser, for what only a page can do. */

import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { TestContext } from "node:test";
import { type Browser, chromium } from "playwright-core";

/** What the browser is called, the same as in `.ci/run`, so that none that it finds is overlooked here. */
const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** The browser that `CHROMIUM` names, else the first one that is installed. */
const browserPath = process.env["CHROMIUM"] || installed();

/** A `CHROMIUM` that is named but missing is a failure, not a reason to skip. */
export const skip = browserPath === undefined ? "there is no Chromium: install it, or set `CHROMIUM`" : false;

function installed(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

const QUIET = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts the browser; it is closed with the test. */
export async function openBrowser(t: TestContext, ...flags: string[]): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: browserPath!, args: [...QUIET, ...flags] });
  t.after(() => browser.close());
  return browser;
}
