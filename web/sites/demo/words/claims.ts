/** What the parts of a VAPID token mean (RFC 7515, RFC 7519, RFC 8292). */

import { formatDistance, formatTime } from "./times";

const MEANINGS: Readonly<Record<string, string>> = {
  typ: "a JSON Web Token",
  alg: "ECDSA on P-256 with SHA-256",
  kid: "thumbprint of the key that signed",
  aud: "the push service that may accept it",
  sub: "whom the push service may write to",
  jti: "its own number, in the log too",
  eid: "which endpoint it was asked for",
  rid: "which relay it was asked for",
};

const TIMES: Readonly<Record<string, string>> = { iat: "issued", nbf: "valid from", exp: "ends" };

export function claimMeaning(name: string, value: unknown): string {
  const time = TIMES[name];
  if (time === undefined || typeof value !== "number") return MEANINGS[name] ?? "";
  const distance = name === "exp" ? `, ${formatDistance(value * 1_000, Date.now())}` : "";
  return `${time} ${formatTime(value * 1_000)}${distance}`;
}
