/** A log entry in words: what happened, and who says so. */

import type { AuditEntry } from "/sdk/kms-user.js";
import { formatTime } from "./times";

type Details = Readonly<Record<string, unknown>>;

export function entryInWords(entry: AuditEntry): string {
  const details: Details = entry.details ?? {};
  switch (entry.op) {
    case "instance.start":
      return details.previousLog ? "A new log began, after a reset" : "The enclave’s log began";
    case "setup":
      return `Set up with a ${methodInWords(details.method)}${viaInWords(details.via)}`;
    case "enrollment.add":
      return `Another way to unlock was added: a ${methodInWords(details.method)}${viaInWords(details.via)}`;
    case "enrollment.change":
      return `The ${methodInWords(details.method)} was changed${viaInWords(details.via)}`;
    case "enrollment.remove":
      return "A way to unlock was removed";
    case "generate":
      return "A new key was made";
    case "regenerate":
      return "The key was replaced; leases of the old one ended";
    case "lease.create":
      return `A lease for ${entry.userId ?? "somebody"}, ${endpointsInWords(details.endpoints)}${untilInWords(details.exp, 1)}`;
    case "sign":
      return `A token for ${text(details.eid)} at ${text(details.aud)}${untilInWords(details.exp, 1_000)}`;
    case "unlock.denied":
      return `A wrong ${methodInWords(details.method)} was refused`;
    case "issue.refused":
      return `Asking for a token was refused (${text(details.code)}), ${times(details.count)}`;
    case "lease.extend":
      return `The lease of ${entry.userId ?? "somebody"} was extended${untilInWords(details.exp, 1)}`;
    case "lease.resume":
      return `The lease of ${entry.userId ?? "somebody"} was resumed`;
    case "lease.revoke":
      return `The lease of ${entry.userId ?? "somebody"} was revoked (${text(details.reason)})`;
    case "lease.suspend":
      return `The lease of ${entry.userId ?? "somebody"} was suspended, after too many refusals`;
    case "pattern.suspend":
      return "Leases were suspended";
    case "pattern.lift":
      return "A suspension of leases was lifted";
    case "subscription.set":
      return `A push subscription was kept, for ${text(details.aud)}`;
    case "subscription.remove":
      return "The push subscription was removed";
    case "clock.adjust":
      return `The clock had been ahead, at ${timeInWords(details.from)}`;
    case "audit.prune":
      return `The entries before number ${text(details.first)} were dropped, after an export`;
    case "build.change":
      return "Another build of the enclave ran for the first time";
    case "reset":
      return "Everything was deleted";
    default:
      return entry.op;
  }
}

const SIGNERS: Readonly<Record<AuditEntry["signer"], string>> = {
  UAK: "the user’s key",
  LAK: "the lease’s key",
  KIAK: "the enclave’s own key",
};

export function signerInWords(signer: AuditEntry["signer"]): string {
  return SIGNERS[signer];
}

const METHODS: Readonly<Record<string, string>> = {
  passphrase: "passphrase",
  passkey: "passkey",
  "passkey-prf": "passkey",
  "passkey-gate": "passkey",
};

function methodInWords(method: unknown): string {
  return METHODS[text(method)] ?? "credential";
}

function timeInWords(timeMs: unknown): string {
  return typeof timeMs === "number" ? formatTime(timeMs) : "?";
}

function viaInWords(via: unknown): string {
  if (via === "enclave") return ", typed into the enclave’s prompt";
  return via === "page" ? ", passed by the page" : "";
}

function endpointsInWords(endpoints: unknown): string {
  const count = Array.isArray(endpoints) ? endpoints.length : 0;
  return count === 1 ? "1 endpoint" : `${count} endpoints`;
}

function untilInWords(exp: unknown, unitMs: number): string {
  return typeof exp === "number" ? `, until ${formatTime(exp * unitMs)}` : "";
}

function times(count: unknown): string {
  return count === 1 ? "once" : `${text(count)} times`;
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "?";
}
