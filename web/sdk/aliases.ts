/** `kms.leases.*` and `kms.vapid.*`: other names for the flat methods, in one table, and two results of their own. */

import type { GetPublicKeyResult, IssuedToken, IssueManyParams } from "../protocol/contract.gen";
import { KMSError } from "../protocol/errors";

const ALIASES = {
  leases: {
    create: "createLease",
    extend: "extendLease",
    refresh: "refreshLease",
    resume: "resumeLease",
    revoke: "revokeLease",
    revokeAll: "revokeAllLeases",
    suspendPattern: "suspendPattern",
    unsuspendPattern: "unsuspendPattern",
    list: "getLeases",
    verify: "verifyLease",
    quota: "getQuota",
    recordSends: "recordSends",
  },
  vapid: {
    generate: "generateVAPID",
    regenerate: "regenerateVAPID",
    sign: "signJWT",
    issue: "issueVAPIDJWT",
    kid: "getVAPIDKid",
    publicKey: "getPublicKey",
  },
} as const;

type Group = keyof typeof ALIASES;

export type Aliased<Target, Name extends Group> = {
  readonly [Alias in keyof (typeof ALIASES)[Name]]: (typeof ALIASES)[Name][Alias] extends infer Method
    ? Method extends keyof Target
      ? Target[Method]
      : never
    : never;
};

type Methods = Readonly<Record<string, (...parameters: never[]) => unknown>>;

export function aliasesOf<Target, Name extends Group>(target: Target, group: Name): Aliased<Target, Name> {
  const methods = target as Methods;
  const bound = Object.entries<string>(ALIASES[group]).map(([alias, method]) => [alias, methods[method]?.bind(target)]);
  return Object.freeze(Object.fromEntries(bound));
}

/** The tokens of a batch, and the one key that signed them all. */
export interface IssuedBatch {
  readonly tokens: readonly IssuedToken[];
  readonly vapidPublicKey: string;
}

/** What a relay is handed: a batch with its key, and the key as the text that stands in its header. */
interface ForRelays {
  issueBatch(params: IssueManyParams): Promise<IssuedBatch>;
  exportPublicKey(kid?: string): Promise<string>;
}

interface FlatMethods {
  issueVAPIDJWTs(params: IssueManyParams): Promise<readonly IssuedToken[]>;
  exportPublicKey(kid?: string): Promise<GetPublicKeyResult>;
}

export type VapidAliases<Target> = Aliased<Target, "vapid"> & Readonly<ForRelays>;

export function vapidAliasesOf<Target extends FlatMethods>(target: Target): VapidAliases<Target> {
  const forRelays: ForRelays = {
    async issueBatch(params) {
      const tokens = await target.issueVAPIDJWTs(params);
      const [first] = tokens;
      if (!first) throw new KMSError("internal", "The enclave answered with an empty batch");
      return { tokens, vapidPublicKey: first.vapidPublicKey };
    },
    async exportPublicKey(kid) {
      return (await target.exportPublicKey(kid)).publicKey;
    },
  };
  return Object.freeze({ ...aliasesOf(target, "vapid"), ...forRelays });
}
