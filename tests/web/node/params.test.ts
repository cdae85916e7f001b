/** What the SDK makes of the parameters of a call: plain JSON, or a refusal that names the field. */

import { describe, expect, test, vi } from "vitest";
import { KMSError } from "../../../web/protocol/errors";
import { copyParams, formatParams } from "../../../web/protocol/json";
import { MAX_PARAMS_CHARS } from "../../../web/protocol/limits";
import { plainValue } from "../../../web/sdk/channel/plain";

const SUBSCRIPTION = {
  endpoint: "https://fcm.googleapis.com/fcm/send/one",
  expirationTime: null,
  keys: { p256dh: "AAAA", auth: "AAAA" },
};

function copy(params: unknown): unknown {
  return copyParams(params, plainValue);
}

function refusalOf(params: unknown): KMSError {
  try {
    copy(params);
  } catch (thrown) {
    if (thrown instanceof KMSError) return thrown;
    throw thrown;
  }
  throw new Error("nothing was refused");
}

function fails(): never {
  throw new Error("private");
}

function makeRevokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function makeCycle(): unknown {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  return cycle;
}

class Endpoint {
  readonly url = "x";
}

describe("what is no JSON is refused by name", () => {
  test.each<[string, () => unknown]>([
    ["function", () => () => 1],
    ["symbol", () => Symbol("s")],
    ["BigInt", () => 1n],
    ["NaN", () => Number.NaN],
    ["Map", () => new Map()],
    ["class instance", () => new Endpoint()],
    ["cycle", makeCycle],
    ["hole", () => new Array(1)],
    [
      "getter that throws",
      () => ({
        get a() {
          return fails();
        },
      }),
    ],
    ["prototype that cannot be read", () => new Proxy({}, { getPrototypeOf: fails })],
    ["list whose members cannot be read", () => new Proxy([1], { get: fails })],
    ["revoked proxy", makeRevokedProxy],
    [
      "tag that cannot be read",
      () => ({
        get [Symbol.toStringTag]() {
          return fails();
        },
      }),
    ],
  ])("%s", (_, make) => {
    const { code, message, details } = refusalOf({ userId: "u", subs: [], quotas: make() });
    expect(code).toBe("request.invalid");
    expect(details.field).toMatch(/^params/);
    expect(message + JSON.stringify(details)).not.toContain("private");
  });
});

test("the field that cannot be sent is named", () => {
  expect(refusalOf({ quotas: { a: [0, 1n] } }).details.field).toBe("params.quotas.a[1]");
});

describe("params have to be an object", () => {
  test.each([null, undefined, "text", 5, [], () => 1])("%s", (params) => {
    expect(refusalOf(params).code).toBe("request.invalid");
  });
});

test("a megabyte is too large", () => {
  expect(refusalOf({ passphrase: "x".repeat(1e6) }).code).toBe("request.too.large");
});

test("bytes that could never be sent are not encoded", () => {
  vi.stubGlobal("btoa", fails);
  const big = new ArrayBuffer(256 * 1024 ** 2);
  for (const bytes of [big, new Uint8Array(big), new DataView(big)]) {
    expect(refusalOf({ bytes }).code).toBe("request.too.large");
  }
});

test("the most bytes that fit are sent", () => {
  const most = Math.floor((MAX_PARAMS_CHARS - '{"bytes":""}'.length) / 4) * 3;
  expect(formatParams(copy({ bytes: new ArrayBuffer(most) })).length).toBeLessThanOrEqual(MAX_PARAMS_CHARS);
  expect(() => formatParams(copy({ bytes: new ArrayBuffer(most + 3) }))).toThrow(KMSError);
});

test("binary becomes base64url, and undefined nothing", () => {
  const view = new Uint8Array([0, 255, 254, 251]).subarray(1);
  const params = { none: undefined, view, buffer: new ArrayBuffer(3) };
  expect(JSON.stringify(copy(params))).toBe('{"view":"__77","buffer":"AAAA"}');
});

test("an accessor is read once and sent as data", () => {
  let reads = 0;
  const params = {
    get userId() {
      reads += 1;
      return "u";
    },
  };
  expect(JSON.stringify(copy(params))).toBe('{"userId":"u"}');
  expect(reads).toBe(1);
});

test("the browser's own push subscription is sent as its JSON", () => {
  const subscription = { [Symbol.toStringTag]: "PushSubscription", toJSON: () => SUBSCRIPTION };
  expect(JSON.parse(JSON.stringify(copy({ subscription })))).toEqual({ subscription: SUBSCRIPTION });
});

test("toJSON of anything else is not called", () => {
  expect(refusalOf({ quotas: Object.assign(new Endpoint(), { toJSON: fails }) }).code).toBe("request.invalid");
});
