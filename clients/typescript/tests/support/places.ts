import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";

/** The folder of this package. */
export const PACKAGE = dirname(createRequire(import.meta.url).resolve("wardroom-client/package.json"));

/** The folder of the wire fixtures, which the server and every client replay. */
export const FIXTURES = resolve(PACKAGE, "../../tests/wire");

/** The reference of the protocol, which is generated from the server's code. */
export const PROTOCOL = resolve(PACKAGE, "../../docs/protocol.md");

/** The server that the live tests run: `WARDROOM_BIN`, else the release build of this repository. */
export const SERVER = resolve(process.env["WARDROOM_BIN"] ?? resolve(PACKAGE, "../../target/release/wardroom"));
