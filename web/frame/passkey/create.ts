/**
 * Creating a passkey: the ceremony of WebAuthn Level 3, section 5.1.3.
 *
 * PRF is always asked for. Where asking for it makes the creation fail, it is asked for
 * no more: a passkey without PRF can still be a gate. What the authenticator is does not
 * matter here, so there is no attestation.
 */

import type { Registration, RegistrationAnswer } from "../../protocol/asks";
import { decodeBase64url } from "../../protocol/base64url";
import { CEREMONY_TIMEOUT_MS, prfOutput, textOf } from "./values";

/** COSE numbers of ES256, EdDSA and RS256: what the worker verifies. */
const ALGORITHMS = [-7, -8, -257] as const;

/** Errors that say something about the user or the page, not about the extension. */
const NOT_THE_EXTENSION: readonly string[] = ["NotAllowedError", "InvalidStateError", "AbortError", "SecurityError"];

/** Where PRF was in the way: the second try may need a click of its own. */
const withoutPrf = new WeakSet<Registration>();

/** Must run in a click. Throws DOMException. */
export async function createPasskey(
  registration: Registration,
  challenge: string,
  signal: AbortSignal,
): Promise<RegistrationAnswer> {
  try {
    return await create(registration, challenge, signal);
  } catch (thrown) {
    const name = thrown instanceof Error ? thrown.name : "";
    if (withoutPrf.has(registration) || NOT_THE_EXTENSION.includes(name)) throw thrown;
    withoutPrf.add(registration);
    return create(registration, challenge, signal);
  }
}

async function create(registration: Registration, challenge: string, signal: AbortSignal): Promise<RegistrationAnswer> {
  const publicKeyOptions = creationOptions(registration, challenge);
  const credential = await navigator.credentials.create({ publicKey: publicKeyOptions, signal });
  if (
    !(credential instanceof PublicKeyCredential) ||
    !(credential.response instanceof AuthenticatorAttestationResponse)
  ) {
    throw new DOMException("No credential", "NotAllowedError");
  }
  const { response } = credential;
  const publicKey = response.getPublicKey();
  if (!publicKey) throw new DOMException("A key of an unknown kind", "NotSupportedError");
  const output = prfOutput(credential);
  return {
    credentialId: textOf(credential.rawId),
    clientDataJSON: textOf(response.clientDataJSON),
    authenticatorData: textOf(response.getAuthenticatorData()),
    publicKey: textOf(publicKey),
    algorithm: response.getPublicKeyAlgorithm(),
    prfEnabled: output !== null || mayHavePrf(registration, credential),
    prfOutput: output,
  };
}

/** What says nothing about PRF at its creation may evaluate it all the same when it is used. */
function mayHavePrf(registration: Registration, credential: PublicKeyCredential): boolean {
  return !withoutPrf.has(registration) && credential.getClientExtensionResults().prf?.enabled !== false;
}

function creationOptions(registration: Registration, challenge: string): PublicKeyCredentialCreationOptions {
  const { rpId, userHandle, userName, appSalt, exclude } = registration;
  return {
    challenge: decodeBase64url(challenge),
    rp: { id: rpId, name: "Key enclave" },
    user: { id: decodeBase64url(userHandle), name: userName, displayName: userName },
    pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: "public-key", alg })),
    timeout: CEREMONY_TIMEOUT_MS,
    attestation: "none",
    authenticatorSelection: { residentKey: "preferred", userVerification: "required" },
    excludeCredentials: exclude.map((id) => ({ type: "public-key", id: decodeBase64url(id) })),
    ...(withoutPrf.has(registration) ? {} : { extensions: { prf: { eval: { first: decodeBase64url(appSalt) } } } }),
  };
}
