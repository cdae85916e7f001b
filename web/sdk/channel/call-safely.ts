/** Runs code of the page; what it throws is reported as any uncaught error of the page is. */
export function callSafely(callback: () => void): void {
  try {
    callback();
  } catch (thrown) {
    reportError(thrown);
  }
}
