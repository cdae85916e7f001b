/** Where the enclave is: the host of the page says so, so that one build serves any pair of origins. */

export interface EnclaveAddress {
  readonly kmsOrigin: string;
  /** Whether the enclave's configuration lets a page pass a passphrase itself. */
  readonly pageCredentials: boolean;
}

const ADDRESS = "/sdk/enclave.json";

export async function readEnclaveAddress(): Promise<EnclaveAddress> {
  const response = await fetch(ADDRESS, { cache: "no-cache" });
  if (!response.ok) throw new Error(`${ADDRESS} is missing (${response.status}): it names the enclave's origin`);
  const value: unknown = await response.json();
  if (typeof value !== "object" || value === null || !("kmsOrigin" in value) || typeof value.kmsOrigin !== "string") {
    throw new Error(`${ADDRESS} does not name the enclave's origin (kmsOrigin)`);
  }
  return {
    kmsOrigin: value.kmsOrigin,
    pageCredentials: "pageCredentials" in value && value.pageCredentials === true,
  };
}
