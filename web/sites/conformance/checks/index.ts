/** All checks, in the order in which they run: each may build upon what an earlier one made. */

import type { Check } from "../check";
import { CHANNEL_CHECKS } from "./channel";
import { END_CHECKS } from "./end";
import { LEASE_CHECKS } from "./lease";
import { LOG_CHECKS } from "./log";
import { SETUP_CHECKS } from "./setup";
import { BROWSER_CHECKS, START_CHECK } from "./start";
import { TOKEN_CHECKS } from "./token";

/** Without effect on the enclave, whoever uses it. */
export { BROWSER_CHECKS, START_CHECK };

/** For an enclave that is nobody's. */
export const USE_CHECKS: readonly Check[] = [
  ...CHANNEL_CHECKS,
  ...SETUP_CHECKS,
  ...LEASE_CHECKS,
  ...TOKEN_CHECKS,
  ...LOG_CHECKS,
  ...END_CHECKS,
];

export const ALL_CHECKS: readonly Check[] = [START_CHECK, ...BROWSER_CHECKS, ...USE_CHECKS];
