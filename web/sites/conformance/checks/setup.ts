/** Setting up, once and never again. */

import { decodeBase64url } from "../../../protocol/base64url";
import { require } from "../../common/inspect/inspection";
import { thumbprint } from "../../common/inspect/token";
import { type Check, expectRefusal } from "../check";
import { noteRun } from "../leftovers";
import { ENDPOINT, USER_ID } from "../world";

export const SETUP_CHECKS: readonly Check[] = [
  {
    id: "setup.required",
    title: "A lease before the setup is refused",
    async run({ kms, credentials }) {
      const lease = kms.createLease({ userId: USER_ID, subs: [ENDPOINT], ttlHours: 1, credentials });
      await expectRefusal("setup.required", lease);
      return "setup.required";
    },
  },
  {
    id: "setup.passphrase-rules",
    title: "A passphrase of 7 characters is refused, and nothing is set up",
    async run(world) {
      world.needPageCredentials();
      const { details } = await expectRefusal("request.invalid", world.kms.setupPassphrase("1234567"));
      require(!(await world.kms.isSetup()).isSetup, "it was set up all the same");
      return `request.invalid (${String(details.field)})`;
    },
  },
  {
    id: "setup.passkeys",
    title: "A browser without passkeys says so, and nothing is set up",
    async run({ kms }) {
      // With passkeys a prompt would open: that takes a person.
      if (typeof PublicKeyCredential === "function") return "this browser has passkeys";
      const { details } = await expectRefusal(
        "unsupported",
        kms.setupPasskeyPRF({ name: "Conformance", userId: USER_ID }),
      );
      require(details.capability === "passkey", "the refusal does not name the capability");
      require(!(await kms.isSetup()).isSetup, "it was set up all the same");
      return "unsupported (passkey)";
    },
  },
  {
    id: "setup",
    title: "Set up with a passphrase",
    async run(world) {
      noteRun(await world.kms.getStatus(), world);
      const setup = await world.kms.setupPassphrase(world.credentials?.passphrase);
      world.keep("setup", setup);
      require(setup.enrollmentId === "enrollment:passphrase:v2", "the enrollment has another ID");
      require(decodeBase64url(setup.vapidPublicKey).length === 65, "the public key is not 65 bytes");
      require(setup.vapidKid === (await thumbprint(setup.vapidPublicKey)), "kid is not the key’s thumbprint");
      return "public key of 65 bytes; its thumbprint, recomputed here, is the kid";
    },
  },
  {
    id: "setup.known",
    title: "isSetup and getPublicKey know of it",
    async run(world) {
      const { vapidKid, vapidPublicKey } = world.need("setup");
      const { isSetup, methods } = await world.kms.isSetup();
      require(isSetup && methods.join() === "passphrase", "isSetup does not name the passphrase");
      const current = await world.kms.getPublicKey();
      const named = await world.kms.getPublicKey(vapidKid);
      const areSame = current.publicKey === vapidPublicKey && named.publicKey === vapidPublicKey;
      require(areSame, "getPublicKey gives another key");
      return methods.join();
    },
  },
  {
    id: "setup.once",
    title: "A second setup replaces nothing",
    async run(world) {
      const { vapidPublicKey } = world.need("setup");
      await expectRefusal("enrollment.exists", world.kms.setupPassphrase(world.credentials?.passphrase));
      require((await world.kms.getPublicKey()).publicKey === vapidPublicKey, "the key was replaced");
      return "enrollment.exists";
    },
  },
];
