/**
 * What every worker of the enclave does, however its Python comes to be: takes away what Python does not need, and
 * hands it the channel to the frame.
 *
 * Any failure is answered by one `kms:refused` that names the stage; the worker then does nothing more. So is storage
 * that is taken away later: whatever Python still knows is then of an enclave that is no more.
 */
import type { PyodideAPI } from "pyodide";
import type { PyCallable, PyProxy } from "pyodide/ffi";
import { openDatabase, PRIMITIVES } from "../primitives";
import { isSecondThread, serveChecks } from "../primitives/second-thread";
import { dropGlobals } from "./globals";
import { makeHost } from "./host";
import type { RuntimeList } from "./runtime-list";
import { type BootMessage, openSession, type Parts } from "./session";
import { asStartError, inStage, type Stage } from "./stage";

export type ReportProgress = (stage: Stage, ratio: number) => void;

/** Starts Python from the parts that the frame hands over; each is waited for in a stage of its own. */
export type MakePython = (
  boot: BootMessage,
  parts: { readonly [Name in keyof Parts]: Promise<Parts[Name]> },
  report: ReportProgress,
) => Promise<PyodideAPI>;

export function runEnclave(makePython: MakePython): void {
  if (isSecondThread()) {
    dropGlobals();
    serveChecks((checks) => PRIMITIVES.verifyEd25519(crypto.subtle, checks));
    return;
  }
  const session = openSession();

  function report(stage: Stage, ratio: number): void {
    session.send(JSON.stringify({ type: "kms:progress", stage, ratio }));
  }

  function refuse(stage: Stage, cause: unknown): void {
    const error = asStartError(stage, cause).toWire();
    session.send(JSON.stringify({ type: "kms:refused", error }));
  }

  async function start(): Promise<void> {
    const boot = await inStage("worker", session.boot);
    const list: RuntimeList = JSON.parse(boot.runtime);
    report("code", 0.1);
    // Storage that is denied is told at once, however long the rest of a first visit takes to arrive.
    const [pyodide, database] = await Promise.all([
      makePython(boot, session, report),
      inStage("storage", openDatabase({ onLost: (error) => refuse("storage", error) })),
    ]);
    dropGlobals();
    report("python", 0.8);
    const entry: PyProxy & { readonly start: PyCallable } = pyodide.pyimport(list.entry);
    const host = makeHost(boot, list, session, database);
    session.deliverTo(await inStage("entry", entry.start(host)));
  }

  start().catch((cause: unknown) => refuse("entry", cause));
}
