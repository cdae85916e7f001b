/** The debug log of the channel, as a page that turns it on reads it. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { KMSUser } from "../../../web/sdk/kms-user";
import { beginLog, prove } from "./log-double";
import { PlayedEnclave } from "./played-enclave";

let enclave: PlayedEnclave;
let kms: KMSUser;

beforeEach(async () => {
  enclave = new PlayedEnclave();
  const log = await beginLog(enclave.host);
  enclave.answer = ({ method, params }) => (method === "proveAudit" ? prove(log, params) : { state: "ready" });
});

afterEach(async () => {
  await kms.terminate();
  enclave.end();
});

async function open(debug: (line: string) => void): Promise<void> {
  kms = new KMSUser({ ...enclave.options, debug });
  await kms.init();
}

test("the debug log has every message of the channel in its order, and no secret", async () => {
  const lines: string[] = [];
  await open((line) => lines.push(line));
  await kms.batch([], { method: "passkey-prf", prfOutput: new Uint8Array(32).fill(105) });
  const written = lines.join("\n");
  expect(lines.map((line) => line.replace(/^(.*? -> .*?) .*?"(?:type|method)":"([^"]*)".*$/, "$1 $2"))).toEqual([
    "enclave -> page kms:hello",
    "page -> enclave kms:connect",
    "enclave -> page kms:ready",
    "page -> enclave proveAudit",
    expect.stringMatching(/^enclave -> page \{"id":0,"result":/),
    "page -> enclave batch",
    expect.stringMatching(/^enclave -> page \{"id":1,"result":/),
  ]);
  expect(written).toContain('"prfOutput":"[prfOutput, 43 characters]"');
  expect(written).not.toContain("aWlpaWlp");
  expect(written).not.toContain(enclave.channel.nonce);
});

test("a debug log that throws stops no call", async () => {
  const reported = vi.spyOn(globalThis, "reportError").mockImplementation(() => undefined);
  await open(() => {
    throw new Error("the page's own");
  });
  await kms.getStatus();
  expect(reported).toHaveBeenCalled();
  reported.mockRestore();
});
