/** The description that the server gives of itself, held to what OpenRPC says such a description is. */

import assert from "node:assert/strict";
import { test } from "node:test";
import jsonSchemaPackage from "@json-schema-tools/meta-schema";
import openRpcPackage from "@open-rpc/meta-schema";
import { type AnySchemaObject, Ajv } from "ajv";
import { WardroomClient } from "wardroom-client";
import { LiveServer } from "./support/live_server.js";

/** A part of an OpenRPC document, as far as this test looks into it. */
interface Document {
  methods: { name: string; params: { name: string; schema: object }[]; result: { schema: object } }[];
  components: { errors: Record<string, object> };
}

/** What the packages hold; their type declarations leave it out. */
const { openrpcDocument } = openRpcPackage as unknown as { openrpcDocument: AnySchemaObject };
const { jsonSchema } = jsonSchemaPackage as unknown as { jsonSchema: AnySchemaObject };

/** Knows the meta-schema under the name `openrpc`, and the one of JSON Schema that it refers to. */
function metaSchema(): Ajv {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  // Both name a dialect that adds nothing to draft 7.
  const plain = ({ $schema: _dialect, ...schema }: AnySchemaObject): AnySchemaObject => schema;
  ajv.addSchema(plain(jsonSchema), "https://meta.json-schema.tools");
  return ajv.addSchema(plain(openrpcDocument), "openrpc");
}

async function describe(): Promise<Document> {
  const server = await LiveServer.start();
  try {
    const client = new WardroomClient({ url: server.url, apiKey: server.controllerKey });
    await client.connect();
    const document = await client.call("rpc.discover", {});
    await client.close();
    return document as unknown as Document;
  } finally {
    await server.remove();
  }
}

test("rpc.discover fits the OpenRPC meta-schema", async () => {
  const document = await describe();
  const ajv = metaSchema();

  const valid = ajv.validate("openrpc", document);
  assert.ok(valid, ajv.errorsText(ajv.errors, { separator: "\n" }));

  const names = document.methods.map((method) => method.name);
  assert.equal(new Set(names).size, names.length, "no name twice");
  assert.ok(names.includes("message.send"));
  for (const method of document.methods) {
    // Every schema in it can be used on its own, by generators of clients for example.
    for (const part of [...method.params, method.result]) {
      const schema = { ...part.schema } as Record<string, unknown>;
      delete schema["$schema"];
      assert.doesNotThrow(() => new Ajv({ strict: false, validateFormats: false }).compile(schema), method.name);
    }
  }
  const references = JSON.stringify(document.methods).matchAll(/"#\/components\/errors\/(\w+)"/g);
  for (const [, name] of references) {
    assert.ok(name !== undefined && name in document.components.errors, `the error \`${name}\` is described`);
  }
});

test("the meta-schema refuses what is no OpenRPC document", async () => {
  const ajv = metaSchema();
  const document = { openrpc: "1.3.2", info: { title: "t", version: "1" }, methods: [] };
  assert.ok(ajv.validate("openrpc", document), ajv.errorsText());
  const { info: _info, ...without } = document;
  for (const wrong of [{ ...document, openrpc: "9" }, { ...document, methods: [{ name: 1 }] }, { ...document, more: 1 }, without]) {
    assert.ok(!ajv.validate("openrpc", wrong), JSON.stringify(wrong));
  }
});
