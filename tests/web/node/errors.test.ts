/** What is thrown, as it crosses to another origin. */

import { expect, test } from "vitest";
import { asKMSError, KMSError } from "../../../web/protocol/errors";

test("a refusal crosses as it is", () => {
  const refusal = new KMSError("lease.expired", "It is over", { retryAfterMs: 5, details: { leaseId: "lease-1" } });
  expect(asKMSError(refusal)).toBe(refusal);
});

test.each<[string, unknown]>([
  ["an error", new TypeError("holds what the user typed")],
  ["a text", "holds what the user typed"],
  ["an object that looks like a refusal", { code: "lease.expired", message: "holds what the user typed" }],
  ["nothing", undefined],
])("of %s nothing crosses", (_, thrown) => {
  expect(asKMSError(thrown).toWire()).toEqual({
    code: "internal",
    message: "Unexpected error",
    retryAfterMs: null,
    details: {},
  });
});
