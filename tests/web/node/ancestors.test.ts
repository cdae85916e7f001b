/** Whom the frame answers: every ancestor has to be configured. */

import { describe, expect, test } from "vitest";
import { verifiedEmbedders } from "../../../web/frame/ancestors";

const CONFIGURED = ["https://app.example", "https://outer.example:8443"];
const [APP, OUTER] = CONFIGURED as [string, string];

test("a configured page is the parent, and the outermost around it the top", () => {
  expect(verifiedEmbedders([APP], CONFIGURED)).toEqual({ parentOrigin: APP, topOrigin: APP });
  expect(verifiedEmbedders([APP, OUTER], CONFIGURED)).toEqual({ parentOrigin: APP, topOrigin: OUTER });
});

describe("anybody else gets no answer", () => {
  test.each<[string, readonly string[] | undefined]>([
    ["nobody embeds it", []],
    ["the browser does not say", undefined],
    ["an opaque origin", ["null"]],
    ["another origin", ["https://other.example"]],
    ["another scheme", ["http://app.example"]],
    ["another port", ["https://app.example:8443"]],
    ["the default port left out", ["https://outer.example"]],
    ["a host that ends with a configured one", ["https://xapp.example"]],
    ["a subdomain", ["https://app.example.other.example"]],
    ["another case", ["https://APP.example"]],
    ["another page around a configured one", [APP, "https://other.example"]],
    ["another page inside a configured one", ["https://other.example", APP]],
    ["another page between configured ones", [APP, "https://other.example", OUTER]],
  ])("%s", (_, ancestors) => {
    expect(verifiedEmbedders(ancestors, CONFIGURED)).toBeNull();
  });
});
