/** Tokens: what they say, that they verify, and what nobody can have put into them. */

import type { IssueParams } from "/sdk/kms-user.js";
import { type Inspection, require } from "../../common/inspect/inspection";
import { parseToken, TOKEN_INSPECTIONS, type TokenSubject } from "../../common/inspect/token";
import { type Check, expectRefusal } from "../check";
import { ENDPOINT, type World } from "../world";
import { leaseOf } from "./lease";

const CLAIMS = ["aud", "eid", "exp", "iat", "jti", "nbf", "sub"];

export const TOKEN_CHECKS: readonly Check[] = [
  {
    id: "token",
    title: "Issue a token, without any credentials",
    async run(world) {
      const token = await world.kms.issueVAPIDJWT(underLease(world));
      world.keep("token", token);
      const { header, claims } = parseToken(token.jwt);
      require(header.typ === "JWT" && header.kid === token.kid, "its header is not the one documented");
      require(Object.keys(claims).sort().join() === CLAIMS.join(), `its claims are ${Object.keys(claims).join()}`);
      require(claims.jti === token.jti && claims.exp === token.exp, "result and claims disagree");
      return `claims ${CLAIMS.join(", ")}`;
    },
  },
  ...TOKEN_INSPECTIONS.map(inspectionCheck),
  {
    id: "token.endpoint",
    title: "An endpoint that is not in the lease is refused",
    async run(world) {
      const endpoint = { ...ENDPOINT, url: `${ENDPOINT.url}/another` };
      await expectRefusal("endpoint.not.in.lease", world.kms.issueVAPIDJWT(underLease(world, { endpoint })));
      return "endpoint.not.in.lease";
    },
  },
  {
    id: "token.aud",
    title: "A token for another audience is refused",
    async run(world) {
      const endpoint = { ...ENDPOINT, aud: "https://elsewhere.example.net" };
      await expectRefusal("aud.mismatch", world.kms.issueVAPIDJWT(underLease(world, { endpoint })));
      return "aud.mismatch";
    },
  },
  {
    id: "token.unknown-lease",
    title: "A made-up lease is refused",
    async run(world) {
      const leaseId = `lease-${crypto.randomUUID()}`;
      await expectRefusal("lease.not.found", world.kms.issueVAPIDJWT(underLease(world, { leaseId })));
      return "lease.not.found";
    },
  },
  {
    id: "token.no-caller-times",
    title: "A caller that sets exp, nbf, iat or jti is refused",
    async run(world) {
      for (const name of ["exp", "nbf", "iat", "jti"]) {
        const params = { ...underLease(world), [name]: 1 };
        await expectRefusal("request.invalid", world.kms.issueVAPIDJWT(params));
      }
      return "request.invalid, each";
    },
  },
  {
    id: "token.parallel",
    title: "Ten at once: ten tokens, ten entries",
    async run(world) {
      const params = underLease(world);
      const tokens = await Promise.all(Array.from({ length: 10 }, () => world.kms.issueVAPIDJWT(params)));
      const numbers = new Set(tokens.map(({ auditEntry }) => auditEntry.seqNum));
      require(new Set(tokens.map(({ jti }) => jti)).size === 10, "two tokens have one ID");
      require(numbers.size === 10, "two tokens share an entry");
      return `entries ${Math.min(...numbers)} to ${Math.max(...numbers)}`;
    },
  },
  {
    id: "quota.tokens-per-hour",
    title: "A lease of three tokens an hour gives three, and says when the next",
    async run(world) {
      world.need("setup");
      const { leaseId } = await world.kms.createLease(leaseOf(world, { ttlHours: 2, quotas: { tokensPerHour: 3 } }));
      const params = { leaseId, endpoint: ENDPOINT };
      for (let granted = 0; granted < 3; granted += 1) await world.kms.issueVAPIDJWT(params);
      const { retryAfterMs } = await expectRefusal("quota.exceeded.lease", world.kms.issueVAPIDJWT(params));
      const isAnHour = retryAfterMs !== null && retryAfterMs > 3_500_000 && retryAfterMs <= 3_600_000;
      require(isAnHour, `retryAfterMs is ${retryAfterMs}`);
      return "quota.exceeded.lease, with the moment of the next";
    },
  },
];

/** Throws SkippedError where there is no lease. */
export function underLease(world: World, change: Partial<IssueParams> = {}): IssueParams {
  return { leaseId: world.need("lease").leaseId, endpoint: ENDPOINT, ...change };
}

function inspectionCheck({ title, inspect }: Inspection<TokenSubject>): Check {
  return {
    id: `token.${title.toLowerCase().replaceAll(" ", "-")}`,
    title: `${title} of the token, verified in this page`,
    async run(world) {
      const { jwt, vapidPublicKey } = world.need("token");
      return inspect({ token: parseToken(jwt), publicKey: vapidPublicKey, aud: ENDPOINT.aud, eid: ENDPOINT.eid });
    },
  };
}
