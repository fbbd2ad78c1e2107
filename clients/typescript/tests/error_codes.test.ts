/** The client's table of error codes against the protocol's. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ErrorCode } from "wardroom-client";
import { PROTOCOL } from "./support/places.js";

/** The codes of the protocol by their names, spelled as `ErrorCode` spells them. */
function documented(): Record<string, number> {
  const [, after = ""] = readFileSync(PROTOCOL, "utf8").split("\n## Error codes\n");
  const [section = ""] = after.split("\n## ");
  const rows = [...section.matchAll(/^\| (-?\d+) \| ([^|]+) \|/gm)];
  return Object.fromEntries(rows.map(([, code, name = ""]) => [camelCase(name), Number(code)]));
}

function camelCase(name: string): string {
  return name.replace(/\W(\w)/g, (_, letter: string) => letter.toUpperCase());
}

test("the codes are those of the protocol", () => {
  const codes = documented();
  assert.ok(Object.keys(codes).length > 0, `there is no table of error codes in \`${PROTOCOL}\``);
  assert.deepEqual({ ...ErrorCode }, codes);
});
