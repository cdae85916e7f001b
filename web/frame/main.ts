/** Entry of the enclave's page: importing it starts the one client. */

import "./frame.css";
import { launchWorker } from "../../worker/launch";
import { KMSClient } from "./client";

new KMSClient({
  parentOrigins: KMS_PARENT_ORIGINS,
  launch: async (topOrigin) => {
    const { worker } = await launchWorker(KMS_MANIFEST_HASH, new URL("./", document.baseURI), topOrigin);
    return worker;
  },
});
