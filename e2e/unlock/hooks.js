/**
 * What a hostile page can do to itself before the enclave is embedded: watch every channel, every event, every
 * window and every credential call, and ask the authenticator itself. Whatever passes is kept as text in `seen`.
 */
() => {
  const seen = [];
  const { stringify } = JSON;
  const keep = (kind, ...values) => {
    for (const value of values) seen.push(`${kind}: ${text(value)}`);
  };
  const text = (value) => {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return [...new Uint8Array(value.buffer ?? value)].join();
    try {
      return `${stringify(value)} ${value}`;
    } catch {
      return String(value);
    }
  };
  const watch = (target, name, kind = name) => {
    const real = target[name];
    target[name] = function (...parameters) {
      keep(kind, ...parameters);
      const result = Reflect.apply(real, this, parameters);
      Promise.resolve(result).then((value) => keep(`${kind} gave`, value), () => undefined);
      return result;
    };
  };
  watch(MessagePort.prototype, "postMessage", "port");
  watch(window, "postMessage");
  watch(window, "open");
  watch(JSON, "stringify");
  watch(JSON, "parse");
  watch(TextEncoder.prototype, "encode");
  watch(CredentialsContainer.prototype, "get");
  watch(CredentialsContainer.prototype, "create");
  watch(SubtleCrypto.prototype, "importKey");
  const events = ["message", "keydown", "keyup", "keypress", "beforeinput", "input", "paste", "focusin", "submit"];
  for (const type of events) {
    addEventListener(type, ({ data, key, target }) => keep(type, data ?? null, key ?? null, target?.value ?? null), true);
  }
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (type, handler, ...more) {
    if (this instanceof MessagePort && typeof handler === "function") {
      const heard = ({ data }) => keep("port heard", data);
      Reflect.apply(listen, this, [type, heard, ...more]);
    }
    return Reflect.apply(listen, this, [type, handler, ...more]);
  };
  /** Asks the authenticator for a passkey's PRF output, as any page may try with any relying party id. */
  const claim = async (rpId, credentialId, salt) => {
    const bytes = (encoded) => Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
    try {
      const got = await navigator.credentials.get({
        publicKey: {
          challenge: new Uint8Array(32),
          rpId,
          timeout: 1_000,
          allowCredentials: credentialId ? [{ type: "public-key", id: bytes(credentialId) }] : [],
          extensions: { prf: { eval: { first: bytes(salt) } } },
        },
      });
      return text(got.getClientExtensionResults().prf?.results?.first);
    } catch ({ name }) {
      return name;
    }
  };
  Object.assign(window, { seen, claim });
}
