/** The part of the Trusted Types API that the launcher uses; TypeScript's DOM library does not have it. */

interface TrustedScriptURL {
  toString(): string;
}

interface TrustedTypePolicy {
  createScriptURL(url: string): TrustedScriptURL;
}

interface TrustedTypePolicyFactory {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): TrustedTypePolicy;
}

/** Absent in engines without Trusted Types. */
declare var trustedTypes: TrustedTypePolicyFactory | undefined;
