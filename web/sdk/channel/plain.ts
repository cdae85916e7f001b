/** What a page may pass although JSON lacks it: bytes, and the browser's own push subscription. */

import type { Json } from "../../protocol/json";
import { binaryText } from "./binary";

/** What stands for `value` on the wire; undefined for anything else. Throws KMSError `request.too.large`. */
export function plainValue(value: object): Json | undefined {
  return binaryText(value) ?? subscriptionJson(value);
}

function subscriptionJson(value: object): Json | undefined {
  // Not instanceof: it may come from another realm.
  if (Object.prototype.toString.call(value) !== "[object PushSubscription]") return undefined;
  return (value as PushSubscription).toJSON() as Json;
}
