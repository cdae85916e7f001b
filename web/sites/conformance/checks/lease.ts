/** Leases: made under authentication, for the endpoints they name. */

import type { CreateLeaseParams } from "/sdk/kms-user.js";
import { require } from "../../common/inspect/inspection";
import { type Check, expectRefusal } from "../check";
import { ENDPOINT, USER_ID, type World } from "../world";

const HOUR_MS = 3_600_000;

export const LEASE_CHECKS: readonly Check[] = [
  {
    id: "lease.wrong-passphrase",
    title: "A wrong passphrase is refused",
    async run(world) {
      world.need("setup");
      world.needPageCredentials();
      const credentials = { method: "passphrase", passphrase: `${world.passphrase}!` } as const;
      await expectRefusal("unlock.denied", world.kms.createLease(leaseOf(world, { credentials })));
      return "unlock.denied";
    },
  },
  {
    id: "lease.aud",
    title: "An audience that is not the endpoint’s origin is refused",
    async run(world) {
      world.need("setup");
      const subs = [{ ...ENDPOINT, aud: "https://elsewhere.example.net" }];
      await expectRefusal("aud.mismatch", world.kms.createLease(leaseOf(world, { subs })));
      return "aud.mismatch";
    },
  },
  {
    id: "lease.limit",
    title: "A lease longer than any operator may allow is refused",
    async run(world) {
      world.need("setup");
      await expectRefusal("lease.limit", world.kms.createLease(leaseOf(world, { ttlHours: 721 })));
      return "lease.limit";
    },
  },
  {
    id: "lease",
    title: "Create a lease of one hour",
    async run(world) {
      const { vapidKid } = world.need("setup");
      const quotas = { tokensPerHour: 100, sendsPerMinute: 60, burstSends: 20, sendsPerMinutePerEid: 60 };
      const before = Date.now();
      const lease = await world.kms.createLease(leaseOf(world, { quotas }));
      world.keep("lease", lease);
      require(/^lease-[0-9a-f-]{36}$/.test(lease.leaseId), "the lease’s ID is of another form");
      const isAnHour = lease.exp >= before + HOUR_MS && lease.exp <= Date.now() + HOUR_MS;
      require(isAnHour, "it does not end in an hour");
      require(lease.kid === vapidKid, "it signs with another key");
      require(lease.quotas.tokensPerHour === quotas.tokensPerHour, "its quotas are not those asked for");
      return `${lease.leaseId}, ${lease.quotas.tokensPerHour} tokens an hour`;
    },
  },
];

export function leaseOf({ credentials }: World, change: Partial<CreateLeaseParams> = {}): CreateLeaseParams {
  return { userId: USER_ID, subs: [ENDPOINT], ttlHours: 1, credentials, ...change };
}
