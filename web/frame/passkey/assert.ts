/** Using a passkey: the ceremony of WebAuthn Level 3, section 5.1.4, with PRF where it is enrolled. */

import type { AssertionAnswer, Ceremony } from "../../protocol/asks";
import { decodeBase64url } from "../../protocol/base64url";
import { CEREMONY_TIMEOUT_MS, prfOutput, textOf } from "./values";

/** Must run in a click. Throws DOMException. */
export async function assertPasskey(
  ceremony: Ceremony,
  challenge: string,
  signal: AbortSignal,
): Promise<AssertionAnswer> {
  const credential = await navigator.credentials.get({ publicKey: requestOptions(ceremony, challenge), signal });
  if (
    !(credential instanceof PublicKeyCredential) ||
    !(credential.response instanceof AuthenticatorAssertionResponse)
  ) {
    throw new DOMException("No credential", "NotAllowedError");
  }
  const { response } = credential;
  return {
    credentialId: textOf(credential.rawId),
    clientDataJSON: textOf(response.clientDataJSON),
    authenticatorData: textOf(response.authenticatorData),
    signature: textOf(response.signature),
    prfOutput: prfOutput(credential),
  };
}

function requestOptions({ rpId, passkeys }: Ceremony, challenge: string): PublicKeyCredentialRequestOptions {
  const evaluated = passkeys.flatMap(({ credentialId, appSalt }) =>
    appSalt === null ? [] : [[credentialId, { first: decodeBase64url(appSalt) }] as const],
  );
  return {
    challenge: decodeBase64url(challenge),
    rpId,
    timeout: CEREMONY_TIMEOUT_MS,
    userVerification: "required",
    allowCredentials: passkeys.map(({ credentialId }) => ({ type: "public-key", id: decodeBase64url(credentialId) })),
    ...(evaluated.length > 0 ? { extensions: { prf: { evalByCredential: Object.fromEntries(evaluated) } } } : {}),
  };
}
