/** base64url and hex, both ways, as Node has them; what is neither is refused. */

import { describe, expect, test } from "vitest";
import { decodeBase64url, encodeBase64url } from "../../../web/protocol/base64url";
import { formatHex, parseHex, sha256 } from "../../../web/protocol/hashes";

const BYTES = Uint8Array.from({ length: 256 }, (_, index) => index);

test.each([0, 1, 2, 3, 256])("%i bytes", (length) => {
  const bytes = BYTES.slice(0, length);
  const [base64url, hex] = [Buffer.from(bytes).toString("base64url"), Buffer.from(bytes).toString("hex")];
  expect([encodeBase64url(bytes), formatHex(bytes)]).toEqual([base64url, hex]);
  expect([decodeBase64url(base64url), parseHex(hex)]).toEqual([bytes, bytes]);
});

describe("what is no base64url is refused", () => {
  test.each(["+", "ab/d", "ab==", "ab cd", "a", "abcde", "ä"])("%s", (text) => {
    expect(() => decodeBase64url(text)).toThrow(TypeError);
  });
});

describe("what is no lower-case hex is refused", () => {
  test.each(["a", "AB", "0x", "zz", "00 "])("%s", (text) => {
    expect(() => parseHex(text)).toThrow(TypeError);
  });
});

test("SHA-256 of nothing", async () => {
  const expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  expect(formatHex(await sha256(new Uint8Array()))).toBe(expected);
});
