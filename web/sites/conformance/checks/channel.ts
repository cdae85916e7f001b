/** What a page can send past the SDK, and what comes of it. */

import { require } from "../../common/inspect/inspection";
import type { Check } from "../check";
import { RawChannel } from "../raw-channel";

const HOSTILE: readonly (readonly [method: string, params: unknown, code: string])[] = [
  ["exportPrivateKey", {}, "method.unknown"],
  ["__proto__", {}, "method.unknown"],
  ["getStatus", { extra: true }, "request.invalid"],
  ["getStatus", null, "request.invalid"],
  ["setupPassphrase", { passphrase: "x".repeat(1_048_576) }, "request.too.large"],
];

export const CHANNEL_CHECKS: readonly Check[] = [
  {
    id: "channel",
    title: "Unknown methods, unknown fields and a message of 1 MB are refused by name",
    async run({ address }) {
      const channel = await RawChannel.open(address.kmsOrigin);
      try {
        for (const [method, params, code] of HOSTILE) {
          const refusal = await channel.refusalOf(method, params);
          require(refusal === code, `${method}: ${String(refusal)} instead of ${code}`);
        }
      } finally {
        channel.close();
      }
      return [...new Set(HOSTILE.map(([, , code]) => code))].join(", ");
    },
  },
];
