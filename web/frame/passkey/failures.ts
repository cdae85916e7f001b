/** What the user is told when a ceremony ends without a passkey. */

/** WebAuthn tells little on purpose: most failures are one `NotAllowedError`. */
export function ceremonyFault(thrown: unknown, deed: "create" | "use"): string {
  const name = thrown instanceof Error ? thrown.name : "";
  switch (name) {
    case "InvalidStateError":
      return "This device or security key holds a passkey for this enclave already. Use another one.";
    case "NotSupportedError":
    case "ConstraintError":
      return "This device or security key cannot make a passkey that the enclave can use.";
    case "SecurityError":
      return "The browser does not allow passkeys at this address.";
    default:
      return deed === "create"
        ? "No passkey was created. It was cancelled, or the browser does not allow it here."
        : "The passkey was not used. It was cancelled, or there is none on this device.";
  }
}
