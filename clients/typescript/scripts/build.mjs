// Compiles `src/` to the folder's top, where programs import it from: `wardroom_client.js`, `broodlink_client.js` and
// `lib/`, each with its declarations. With `--check` nothing is written: it fails when what is there is not exactly what
// a fresh build makes.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const entries = ["wardroom_client.js", "wardroom_client.d.ts", "broodlink_client.js", "broodlink_client.d.ts"];

const scratch = join(root, ".build");
mkdirSync(scratch, { recursive: true });
const fresh = mkdtempSync(join(scratch, "fresh-"));
try {
  if (!compile(fresh)) {
    process.exitCode = 1;
  } else if (process.argv.includes("--check")) {
    process.exitCode = compare(fresh);
  } else {
    install(fresh);
  }
} finally {
  rmSync(fresh, { recursive: true });
}

function compile(outDir) {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const { status } = spawnSync(process.execPath, [compiler, "-p", root, "--outDir", outDir], { stdio: "inherit" });
  return status === 0;
}

function install(outDir) {
  rmSync(join(root, "lib"), { recursive: true, force: true });
  cpSync(outDir, root, { recursive: true });
}

function compare(outDir) {
  const expected = files(outDir);
  const present = [...entries.filter((name) => existsSync(join(root, name))), ...files(root, "lib")];
  const names = [...new Set([...expected, ...present])].sort();
  const wrong = names.filter((name) => text(join(outDir, name)) !== text(join(root, name)));
  for (const name of wrong) {
    console.error(`\`${name}\` is not what \`src/\` compiles to`);
  }
  if (wrong.length > 0) {
    console.error("run `npm run build` and commit the result");
  }
  return wrong.length === 0 ? 0 : 1;
}

function files(directory, below = "") {
  if (!existsSync(join(directory, below))) {
    return [];
  }
  return readdirSync(join(directory, below), { withFileTypes: true }).flatMap((entry) => {
    const name = join(below, entry.name);
    return entry.isDirectory() ? files(directory, name) : [name];
  });
}

function text(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}
