/** Runs in the enclave's frame before its own script: when the worker was made, and what it said when. */
window.start = { marks: [] };
window.Worker = class extends Worker {
  constructor(...parameters) {
    super(...parameters);
    window.start.createdMs = performance.now();
    this.addEventListener("message", ({ data }) => {
      if (typeof data !== "string" || window.start.readyMs) return;
      const { type, stage, ratio } = JSON.parse(data);
      if (type === "kms:progress") window.start.marks.push([`${stage} ${ratio}`, performance.now()]);
      if (type === "kms:ready") window.start.readyMs = performance.now();
    });
  }
};
