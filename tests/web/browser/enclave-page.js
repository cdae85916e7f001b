/** The enclave's side of the handshake: says hello, and gives the port that it is sent to the page around it. */

addEventListener("message", ({ data, ports }) => {
  if (data?.type === "kms:connect") parent.postMessage({ played: data }, "*", [...ports]);
});
parent.postMessage({ type: "kms:hello", protocol: 1 }, "*");
