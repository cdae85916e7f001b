/**
 * One iframe for each enclave on a page, however many KMSUser instances there are.
 *
 * A connection that nobody uses any more is closed in the next task, not at once: what
 * React's StrictMode mounts, unmounts and mounts again then keeps its worker.
 */

import { invalidRequest } from "../../protocol/errors";
import { Connection, type ConnectionOptions, closedError } from "./connection";

interface Shared {
  readonly connection: Connection;
  users: number;
}

const shared = new Map<string, Shared>();

/** To be released once. `container` and `options` count for the first user only. Throws KMSError `request.invalid`. */
export function acquireConnection(address: URL, container: Element, options: ConnectionOptions): Connection {
  const open = shared.get(address.origin);
  if (!open || open.connection.state.name === "closed") {
    const connection = new Connection(address, container, options);
    shared.set(address.origin, { connection, users: 1 });
    return connection;
  }
  if (open.connection.address.href !== address.href) {
    throw invalidRequest("kmsPath", "another instance on this page uses another path of the same enclave");
  }
  open.users += 1;
  return open.connection;
}

/** Settles when the iframe is gone, or at once where others still use it. */
export async function releaseConnection(connection: Connection): Promise<void> {
  const open = shared.get(connection.address.origin);
  if (open?.connection !== connection) return;
  open.users -= 1;
  await new Promise((resolve) => setTimeout(resolve, 0));
  if (open.users > 0) return;
  if (shared.get(connection.address.origin) === open) shared.delete(connection.address.origin);
  connection.close(closedError("The enclave was terminated"));
}
