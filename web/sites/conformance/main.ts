/**
 * The page that checks a browser.
 *
 * `?autorun=1` starts by itself; `?report=URL` posts the result there. Neither ever deletes keys that are in use.
 */

import { byId, element, terms } from "../common/dom";
import { readEnclaveAddress } from "../common/enclave-address";
import { ALL_CHECKS } from "./checks/index";
import { readEnvironment } from "./environment";
import { countOutcomes, makeReport, postReport, type Report } from "./report";
import { runChecks } from "./run";
import { CheckTable } from "./table";
import { World } from "./world";

const query = new URLSearchParams(location.search);
const environment = readEnvironment();
const table = new CheckTable(byId("checks", HTMLElement), ALL_CHECKS);
const buttons = ["run", "clear"].map((id) => byId(id, HTMLButtonElement));
const summary = byId("summary", HTMLElement);
const failure = byId("failure", HTMLElement);

const SUMMARIES: Readonly<Record<Report["verdict"], string>> = {
  pass: "Everything works here",
  fail: "Something does not work here",
  unsupported: "This browser, or its settings, lack something",
  occupied: "Not run: the enclave is in use",
};

async function run(mayDelete: boolean): Promise<void> {
  for (const button of buttons) button.disabled = true;
  byId("occupied", HTMLElement).hidden = true;
  failure.replaceChildren();
  summary.textContent = "Running…";
  table.clear();
  try {
    const address = await readEnclaveAddress();
    const world = new World(address);
    const { checks, isOccupied } = await runChecks(world, table, mayDelete);
    const report = makeReport(environment, address.kmsOrigin, world.kms, checks, isOccupied);
    await world.kms.terminate();
    show(report);
    const url = query.get("report");
    if (url) await postReport(url, report);
  } catch (thrown) {
    summary.textContent = "The run broke off.";
    failure.textContent = thrown instanceof Error ? thrown.message : String(thrown);
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

function show(report: Report): void {
  const counts = [...countOutcomes(report.checks)].map(([outcome, count]) => `${count} ${outcome}`);
  summary.textContent = `${SUMMARIES[report.verdict]}: ${counts.join(", ")}.`;
  byId("occupied", HTMLElement).hidden = report.verdict !== "occupied";
  byId("report", HTMLElement).textContent = JSON.stringify(report, null, 2);
  byId("raw", HTMLElement).hidden = false;
  showEnvironment(report);
}

function showEnvironment(report: Report | null): void {
  const { browser, engine, pageOrigin } = environment;
  const { enclave } = report ?? {};
  const manifest = element("span", { class: "code" }, enclave?.manifestHash ?? "–");
  const rows: readonly (readonly [string, string | Node])[] = [
    ["Browser", browser],
    ["Engine", engine],
    ["This page", pageOrigin],
    ["Enclave", enclave?.origin ?? "–"],
    ["Version", enclave?.version ?? "–"],
    ["Manifest", manifest],
  ];
  byId("environment", HTMLElement).replaceChildren(...terms(rows));
}

showEnvironment(null);
for (const button of buttons) button.addEventListener("click", () => void run(button.id === "clear"));
if (query.get("autorun") === "1") await run(false);
