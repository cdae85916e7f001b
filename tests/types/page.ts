/** Calls as a page writes them, in every form that the SDK takes: compiled by `tsc`, never run. */

import type { AuditEntryV2, AuthCredentials, IssuedToken, KMSUser, VAPIDPayload } from "/sdk/kms-user.js";

export async function lookAt(kms: KMSUser, subscription: PushSubscription): Promise<readonly unknown[]> {
  const credentials: AuthCredentials = { method: "passkey-prf", prfOutput: new ArrayBuffer(32) };
  const payload: VAPIDPayload = { aud: "https://push.example", sub: "mailto:a@b.example", exp: 1, jti: "1", more: [1] };
  const entries: readonly AuditEntryV2[] = (await kms.getAuditLog()).entries;
  const endpoint = { url: "https://push.example/1", aud: "https://push.example", eid: "1" };
  const batch = await kms.vapid.issueBatch({ leaseId: "lease", endpoint, count: 2 });
  const tokens: readonly IssuedToken[] = await kms.issueVAPIDJWTs({ leaseId: "lease", endpoint, count: 2 });
  const key: string = await kms.vapid.exportPublicKey();
  const { publicKey } = await kms.exportPublicKey("kid");
  const auditKey: string | null = (await kms.getAuditPublicKey()).publicKey;
  await kms.signJWT("kid", payload, credentials);
  await kms.setPushSubscription({ subscription });
  await kms.setPushSubscription({ subscription: subscription.toJSON(), leaseId: "lease" });
  await kms.revokeLease("lease");
  await kms.leases.revoke({ leaseId: "lease" });
  await kms.verifyLease("lease");
  await kms.refreshLease("lease");
  await kms.resumeLease({ leaseId: "lease", credentials });
  return [entries, batch.tokens.length, batch.vapidPublicKey, tokens, key, publicKey, auditKey];
}
