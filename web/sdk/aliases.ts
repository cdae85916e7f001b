/** `kms.leases.*` and `kms.vapid.*`: other names for the flat methods, in one table. */

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
    issueBatch: "issueVAPIDJWTs",
    kid: "getVAPIDKid",
    publicKey: "getPublicKey",
    exportPublicKey: "exportPublicKey",
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
