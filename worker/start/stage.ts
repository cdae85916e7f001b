/** Stages of a start. Each has a deadline, and a failure names the stage it happened in. */

import { ERROR_CODES } from "../../web/protocol/contract.gen";
import { DatabaseError, type StorageFailure } from "../primitives/failure";

export type Stage = "lists" | "worker" | "storage" | "code" | "image" | "python" | "entry";

/** Generous: a slow line or a cold phone is not a failure; a promise that never settles is. */
const DEADLINE_MS: Readonly<Record<Stage, number>> = {
  lists: 15_000,
  worker: 30_000,
  storage: 20_000,
  code: 120_000,
  image: 120_000,
  python: 20_000,
  entry: 20_000,
};

export type StartErrorCode = "integrity.failed" | "channel.timeout" | "internal" | `storage.${StorageFailure}`;

export class StartError extends Error {
  override readonly name = "StartError";

  constructor(
    readonly stage: Stage,
    readonly code: StartErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  static fromWire({ code, message, details }: WireStartError): StartError {
    return new StartError(details.stage, code, message);
  }

  /** The shape that errors have on every channel. */
  toWire(): WireStartError {
    const { code, message, stage } = this;
    return { code, message, retryAfterMs: null, details: { stage } };
  }
}

export interface WireStartError {
  readonly code: StartErrorCode;
  readonly message: string;
  readonly retryAfterMs: null;
  readonly details: { readonly stage: Stage };
}

/** Names what `cause` is without its stack: stacks never cross a channel. */
export function asStartError(stage: Stage, cause: unknown): StartError {
  if (cause instanceof StartError) return cause;
  if (cause instanceof DatabaseError) {
    const code = `storage.${cause.failure}` as const;
    return new StartError(stage, code, `${ERROR_CODES[code]} (${cause.message})`, { cause });
  }
  const reason = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new StartError(stage, "internal", `The enclave failed to start (${stage}): ${reason}`, { cause });
}

/** Settles when `work` does, or rejects at the deadline of `stage`. */
export async function inStage<T>(stage: Stage, work: Promise<T>): Promise<T> {
  const limit = DEADLINE_MS[stage];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new StartError(stage, "channel.timeout", `The enclave did not start (${stage}) within ${limit / 1000} s`));
    }, limit);
  });
  try {
    return await Promise.race([work, late]);
  } catch (cause) {
    throw asStartError(stage, cause);
  } finally {
    clearTimeout(timer);
  }
}
