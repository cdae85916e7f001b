/**
 * A worker that does as it is told, in the place of the enclave's: it is stamped, fetched
 * with integrity and started from a blob like the real one, so that tests of the channel
 * and of the prompts run under the production headers.
 *
 * `START` is filled in by the fixture. A request's `kid` says what to do.
 */
const START = "ready";

const send = (message) => postMessage(JSON.stringify(message));
const reply = (id, result) => send({ id, result });
const refuse = (id, code) => send({ id, error: { code, message: code, retryAfterMs: null, details: {} } });
const build = { version: "9.9.9", manifestHash: "m".repeat(64), codeHash: "c".repeat(64), capabilities: ["Ed25519"] };

const asked = new Map();
let nextAsk = 1;
/** `call` is the request that a question is asked for. */
const ask = (fields, then) => {
  const id = nextAsk++;
  asked.set(id, then);
  send({ id, methods: ["passphrase"], word: null, attempt: 1, error: null, ...fields });
};

const wrong = { code: "unlock.denied", message: "Invalid passphrase", retryAfterMs: null, details: {} };

const refusals = [];

/** Asks until the passphrase is right, then tells how often it asked. Takes its time over a wrong one if told so. */
function authenticate(request, attempt = 1, checkMs = 0) {
  const { id, origin, params } = request;
  const operation = params.operation ?? "Create a lease of 12 hours for 2 endpoints";
  const error = attempt > 1 ? wrong : null;
  ask({ ask: "authenticate", call: id, operation, origin, attempt, error }, ({ answer, refused }) => {
    if (refused) {
      refusals.push(refused);
      return send({ id, error: refused });
    }
    if (answer.passphrase !== "correct horse battery") {
      return setTimeout(() => authenticate(request, attempt + 1, checkMs), checkMs);
    }
    send({ ask: "close" });
    reply(id, { publicKey: `after ${attempt}` });
  });
}

function askOnce(request, fields) {
  ask({ call: request.id, operation: "Do this", origin: request.origin, ...fields }, ({ answer, refused }) => {
    send({ ask: "close" });
    if (refused) send({ id: request.id, error: refused });
    else reply(request.id, { publicKey: JSON.stringify(answer) });
  });
}

const REGISTRATION = { rpId: "localhost", userHandle: "AAAA", userName: "User", appSalt: "AAAA", exclude: ["AAAA"] };
const CEREMONY = { rpId: "localhost", passkeys: [{ credentialId: "AAAA", appSalt: "AAAA" }] };

const STARTS = Date.now();

const SCRIPT = {
  // What arrived here, so that a test can see that it is a message of the frame's own making.
  echo: (request, text) => {
    const entry = request.method === "issueVAPIDJWT" ? { auditEntry: ENTRY } : {};
    reply(request.id, { publicKey: text, ...entry });
  },
  age: ({ id }) => reply(id, { publicKey: String(STARTS) }),
  hang: () => undefined,
  twice: ({ id }) => {
    reply(id, { publicKey: "first" });
    reply(id, { publicKey: "second" });
  },
  slow: ({ id }) => setTimeout(() => reply(id, { publicKey: "slow" }), 1_000),
  crash: () => {
    throw new Error("crash");
  },
  garbage: ({ id }) => {
    postMessage({ id, result: "not text" });
    postMessage("not json");
    postMessage("[1]");
    reply(id, { publicKey: "after garbage" });
  },
  events: ({ id, origin }) => {
    send({ type: "kms:event", event: "quota.alert", data: "mine", origin });
    send({ type: "kms:event", event: "quota.alert", data: "theirs", origin: "https://elsewhere.example" });
    send({ type: "kms:event", event: "lease.expired", data: "everybody", origin: null });
    reply(id, { publicKey: "sent" });
  },
  "log.other": ({ id }) => {
    logName = "other";
    announceLog(id);
  },
  authenticate: (request) => authenticate(request),
  "authenticate.slow": (request) => authenticate(request, 1, 500),
  refusals: ({ id }) => reply(id, { publicKey: JSON.stringify(refusals) }),
  create: (request) => askOnce(request, { ask: "register", registration: REGISTRATION }),
  use: (request) => askOnce(request, { ask: "authenticate", methods: [], ceremony: CEREMONY }),
  choose: (request) => askOnce(request, { ask: "choosePassphrase", operation: "Set up this device" }),
  confirm: (request) => askOnce(request, { ask: "confirm", operation: "Delete every key and the log", word: "RESET" }),
};

function answerLocked(message) {
  const { id, method } = message;
  if (method === "getStatus") return reply(id, { state: "locked" });
  if (method === "getAuditLog") return reply(id, { entries: [], next: null });
  if (method === "proveAudit" && hasRestarted) return void proveLog(message);
  if (method !== "resetKMS") return refuse(id, "attestation.failed");
  indexedDB.open("reset").onsuccess = () => reply(id, { success: true, checkpoint: null });
}

async function wasReset() {
  return (await indexedDB.databases()).some(({ name }) => name === "reset");
}

function onMessage({ data }) {
  if (data.type === "kms:boot") start();
  if (typeof data !== "string") return;
  const message = JSON.parse(data);
  if (message.begin) return send({ id: message.id, challenge: "AAAA" });
  if (!("method" in message)) {
    const then = asked.get(message.id);
    asked.delete(message.id);
    return then?.(message);
  }
  if (START === "locked") return answerLocked(message);
  if (message.method === "proveAudit") return void proveLog(message);
  const act = SCRIPT[message.params.kid ?? message.params.leaseId];
  if (act) act(message, data);
  else if (message.method === "getAuditLog") replyPage(message);
  else reply(message.id, { state: "ready" });
}

/** Its fields in the order of RFC 8785. */
const ENTRY = { chainHash: "", previousHash: "", seqNum: 0 };
let logName = "scripted";

function announceLog(id) {
  send({ type: "kms:event", event: "audit.checkpoint", data: { checkpoint: "", size: 1 }, origin: null });
  reply(id, { publicKey: "announced" });
}

/** A log of one entry that never grows, the same after every start; its key is nobody's secret. */
async function proveLog({ id, params }) {
  const der = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
  const pkcs8 = Uint8Array.from([...der, ...new Array(32).fill(7)]);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", key);
  const raw = Uint8Array.from(atob(x.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
  const log = `${new URL(origin).host}/${logName}`;
  const leaf = new Uint8Array([0, ...new TextEncoder().encode(JSON.stringify(ENTRY))]);
  const root = new Uint8Array(await crypto.subtle.digest("SHA-256", leaf));
  const text = new TextEncoder().encode(`${log}\n1\n${base64(root)}\n`);
  const named = new Uint8Array([...new TextEncoder().encode(`${log}\n`), 1, ...raw]);
  const keyId = new Uint8Array(await crypto.subtle.digest("SHA-256", named)).slice(0, 4);
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", key, text));
  const checkpoint = `${new TextDecoder().decode(text)}\n\u2014 ${log} ${base64([...keyId, ...signature])}\n`;
  const keys = { auditPublicKey: null, instancePublicKey: x, instanceCert: null };
  const inclusion = (params.entries ?? []).map(() => []);
  reply(id, { checkpoint, ...keys, consistency: [], inclusion });
}

/** Three pages of two entries. */
function replyPage({ id, params }) {
  const { from } = params;
  reply(id, { entries: [{ seqNum: from }, { seqNum: from + 1 }], next: from < 4 ? from + 2 : null });
}

function start() {
  if (START === "mute") return;
  send({ type: "kms:progress", stage: "python", ratio: 0.5 });
  if (START === "crash") throw new Error("crash at start");
  if (START === "blocked") refuseStart("storage.blocked");
  else if (START === "locked") void startLocked();
  else send({ type: "kms:ready", ...build });
}

let hasRestarted = false;

async function startLocked() {
  hasRestarted = await wasReset();
  if (hasRestarted) send({ type: "kms:ready", ...build });
  else refuseStart("attestation.failed");
}

function refuseStart(code) {
  const error = { code, message: "The start was refused", retryAfterMs: null, details: { stage: "entry" } };
  send({ type: "kms:refused", error });
}

addEventListener("message", onMessage);
