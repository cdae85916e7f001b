/** Sizes and counts that both ends of a channel hold to. */

/** The version of the handshake and of the envelopes; both ends must name the same. */
export const PROTOCOL = 1;

/** Longest JSON text of a request's `params`, in UTF-16 code units. */
export const MAX_PARAMS_CHARS = 262_144;

/** Deepest nesting of `params`. */
export const MAX_PARAMS_DEPTH = 32;

/** Calls that one port may have under way; one more is refused. */
export const MAX_CALLS_IN_FLIGHT = 1_024;

/**
 * Calls that a page's SDK has under way at once; what a page asks for beyond them waits in the page. Half of what the
 * frame takes: what the page has given up, the frame may still be working on.
 */
export const MAX_CALLS_OF_PAGE = MAX_CALLS_IN_FLIGHT / 2;

/** Longest text of a name, a hash or a version on the wire, in UTF-16 code units. */
export const MAX_NAME_CHARS = 256;

/** Longest message of an error, in UTF-16 code units. */
export const MAX_MESSAGE_CHARS = 4_096;
