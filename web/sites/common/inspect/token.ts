/** A VAPID token, read and verified without the enclave (RFC 7515, RFC 7638, RFC 8292). */

import { decodeBase64url, encodeBase64url } from "../../../protocol/base64url";
import { sha256 } from "../../../protocol/hashes";
import { type Inspection, require } from "./inspection";

export type JsonObject = Readonly<Record<string, unknown>>;

export interface ParsedToken {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  readonly signed: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** `publicKey`: base64url of the 65-byte point; `aud` and `eid`: of the endpoint that the token was asked for. */
export interface TokenSubject {
  readonly token: ParsedToken;
  readonly publicKey: string;
  readonly aud: string;
  readonly eid: string;
}

const MAX_LIFE_S = 900;

export function parseToken(jwt: string): ParsedToken {
  const [header, claims, signature, ...rest] = jwt.split(".");
  if (!header || !claims || !signature || rest.length > 0) throw new Error("not a compact JWS");
  return {
    header: parseObject(header),
    claims: parseObject(claims),
    signed: new TextEncoder().encode(`${header}.${claims}`),
    signature: decodeBase64url(signature),
  };
}

/** The RFC 7638 thumbprint of a P-256 public key. */
export async function thumbprint(publicKey: string): Promise<string> {
  const point = decodeBase64url(publicKey);
  require(point.length === 65 && point[0] === 4, "the public key is not an uncompressed P-256 point");
  const [x, y] = [encodeBase64url(point.subarray(1, 33)), encodeBase64url(point.subarray(33))];
  const jwk = `{"crv":"P-256","kty":"EC","x":"${x}","y":"${y}"}`;
  return encodeBase64url(await sha256(new TextEncoder().encode(jwk)));
}

export const TOKEN_INSPECTIONS: readonly Inspection<TokenSubject>[] = [
  {
    title: "Signature",
    async inspect({ token, publicKey }) {
      require(token.header.alg === "ES256", "the algorithm is not ES256");
      require(token.signature.length === 64, `the signature has ${token.signature.length} bytes instead of 64`);
      const curve = { name: "ECDSA", namedCurve: "P-256" };
      const key = await crypto.subtle.importKey("raw", decodeBase64url(publicKey), curve, false, ["verify"]);
      const algorithm = { name: "ECDSA", hash: "SHA-256" };
      const isValid = await crypto.subtle.verify(algorithm, key, token.signature, token.signed);
      require(isValid, "the signature is not valid for the public key");
      return "ES256, 64 bytes, valid for the public key";
    },
  },
  {
    title: "Key ID",
    async inspect({ token, publicKey }) {
      require(token.header.kid === (await thumbprint(publicKey)), "kid is not the thumbprint of the public key");
      return "kid is the public key’s thumbprint, recomputed";
    },
  },
  {
    title: "Audience",
    inspect({ token, aud, eid }) {
      require(token.claims.aud === aud, "aud is not the endpoint’s origin");
      require(token.claims.eid === eid, "eid is another endpoint’s");
      return "aud is the push endpoint’s origin";
    },
  },
  {
    title: "Life",
    inspect({ token }) {
      const { iat, nbf, exp } = token.claims;
      const areTimes = typeof iat === "number" && typeof nbf === "number" && typeof exp === "number";
      require(areTimes, "iat, nbf or exp is missing");
      require(exp > nbf && exp - nbf <= MAX_LIFE_S, "it lives longer than 15 minutes");
      require(exp * 1000 > Date.now(), "it has expired");
      return `valid for ${Math.round((exp - nbf) / 60)} minutes; 15 is the most`;
    },
  },
];

function parseObject(part: string): JsonObject {
  const value: unknown = JSON.parse(new TextDecoder().decode(decodeBase64url(part)));
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("not a JSON object");
  return value as JsonObject;
}
