/** What a run has made so far. A check that needs what an earlier one did not make is skipped, not failed. */

import {
  type AuditEntry,
  type CreateLeaseResult,
  type Endpoint,
  type IssuedToken,
  KMSUser,
  type PassphraseCredentials,
  type SetupResult,
} from "/sdk/kms-user.js";
import { encodeBase64url } from "../../protocol/base64url";
import type { EnclaveAddress } from "../common/enclave-address";
import { SkippedError } from "./check";

export const USER_ID = "conformance";

export const ENDPOINT: Endpoint = {
  url: "https://push.example.net/send/conformance",
  aud: "https://push.example.net",
  eid: "conformance-1",
};

const DEADLINE_MS = 60_000;
/** Where the enclave itself asks, a person has to type. */
const PERSON_DEADLINE_MS = 600_000;

interface Made {
  setup: SetupResult;
  lease: CreateLeaseResult;
  token: IssuedToken;
  log: readonly AuditEntry[];
}

export class World {
  readonly address: EnclaveAddress;
  readonly passphrase = encodeBase64url(crypto.getRandomValues(new Uint8Array(18)));
  readonly #made: Partial<Made> = {};
  #kms: KMSUser;

  constructor(address: EnclaveAddress) {
    this.address = address;
    this.#kms = new KMSUser({ kmsOrigin: address.kmsOrigin });
  }

  get kms(): KMSUser {
    return this.#kms;
  }

  get deadlineMs(): number {
    return this.address.pageCredentials ? DEADLINE_MS : PERSON_DEADLINE_MS;
  }

  /** Null where the enclave takes no credentials from a page, and asks by itself. */
  get credentials(): PassphraseCredentials | null {
    return this.address.pageCredentials ? { method: "passphrase", passphrase: this.passphrase } : null;
  }

  keep<Name extends keyof Made>(name: Name, made: Made[Name]): void {
    this.#made[name] = made;
  }

  /** Throws SkippedError. */
  need<Name extends keyof Made>(name: Name): Made[Name] {
    const made = this.#made[name];
    if (made === undefined) throw new SkippedError(`needs an earlier check’s ${name}`);
    return made;
  }

  /** Throws SkippedError where a page cannot give a passphrase. */
  needPageCredentials(): void {
    if (!this.address.pageCredentials) throw new SkippedError("this enclave takes no credentials from a page");
  }

  /** Ends the worker with its iframe, and starts another. */
  async restart(): Promise<void> {
    await this.#kms.terminate();
    this.#kms = new KMSUser({ kmsOrigin: this.address.kmsOrigin });
    await this.#kms.init();
  }
}
