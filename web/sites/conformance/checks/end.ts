/** What outlives a worker, and what nothing outlives. */

import { require } from "../../common/inspect/inspection";
import { type Check, expectRefusal } from "../check";
import { forgetRun } from "../leftovers";
import { underLease } from "./token";

export const END_CHECKS: readonly Check[] = [
  {
    id: "restart",
    title: "A lease outlives its worker",
    async run(world) {
      const before = world.need("log").length;
      await world.restart();
      const { auditEntry, kid } = await world.kms.issueVAPIDJWT(underLease(world));
      require(kid === world.need("setup").vapidKid, "another key signed");
      require(auditEntry.seqNum >= before, "the log went back");
      return `entry ${auditEntry.seqNum}, after the iframe and its worker were replaced`;
    },
  },
  {
    id: "terminate",
    title: "What is pending when a channel ends is rejected, not left hanging",
    async run(world) {
      const pending = world.kms.verifyAuditChain();
      const refusal = expectRefusal("channel.closed", pending);
      await world.kms.terminate();
      await refusal;
      await world.kms.init();
      return "channel.closed";
    },
  },
  {
    id: "reset",
    title: "A reset leaves nothing but the name of the old log’s end",
    async run(world) {
      world.need("setup");
      const { checkpoint } = await world.kms.resetKMS(world.credentials ?? undefined);
      forgetRun();
      require(!(await world.kms.isSetup()).isSetup, "it is still set up");
      const { entries } = await world.kms.getAuditLog();
      require(entries.length === 1, `the new log has ${entries.length} entries`);
      const closing = checkpoint?.chainHash ?? "missing";
      require(JSON.stringify(entries[0]?.details).includes(closing), "the new log does not name the old one’s end");
      await expectRefusal("lease.not.found", world.kms.issueVAPIDJWT(underLease(world)));
      return `the old log closed with entry ${checkpoint?.seqNum}`;
    },
  },
];
