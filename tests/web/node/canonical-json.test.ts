import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../../web/protocol/canonical-json";
import { readOracle } from "./oracle";

test("canonical JSON is that of RFC 8785", () => {
  const { canonicalJson: expected } = readOracle("notes") as {
    readonly canonicalJson: { readonly value: unknown; readonly text: string };
  };
  expect(canonicalJson(expected.value)).toBe(expected.text);
});

describe("what is not of the log's JSON has no canonical form", () => {
  test.each([
    ["a fraction", 0.5],
    ["NaN", Number.NaN],
    ["an unsafe integer", 2 ** 53],
    ["undefined", undefined],
    ["a function in a list", [() => 1]],
    ["a BigInt", 1n],
  ])("%s", (_, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });
});
