/**
 * Puts wheels into a running Pyodide, with micropip: used by the build and by development mode.
 *
 * micropip is unpacked beside site-packages and forgotten afterwards, so that nothing can import it. A Pyodide that has
 * run it cannot be saved as a memory image: https://github.com/pyodide/pyodide/issues/5195
 */

/**
 * @typedef {object} Wheel
 * @property {string} name file name, which says version and platform
 * @property {Uint8Array} bytes
 */

const INSTALLER = "/micropip";
const WHEELS = "/wheels";

const INSTALL = `
async def install(installer, urls):
    import sys

    sys.path.append(installer)
    import micropip

    # Which wheels belong together is written down, with hashes, in the requirements files.
    await micropip.install(list(urls), deps=False)
    sys.path.remove(installer)
    for name in [name for name in sys.modules if name.partition(".")[0] == "micropip"]:
        del sys.modules[name]

install
`;

/**
 * @param {import("pyodide").PyodideAPI} pyodide
 * @param {Wheel} micropip its own wheel
 * @param {readonly Wheel[]} wheels installed without looking at what else they depend on
 */
export async function installWheels(pyodide, micropip, wheels) {
  pyodide.unpackArchive(micropip.bytes, "wheel", { extractDir: INSTALLER });
  pyodide.FS.mkdirTree(WHEELS);
  for (const { name, bytes } of wheels) pyodide.FS.writeFile(`${WHEELS}/${name}`, bytes);
  const globals = pyodide.toPy({});
  const install = pyodide.runPython(INSTALL, { globals });
  await install(
    INSTALLER,
    wheels.map(({ name }) => `emfs:${WHEELS}/${name}`),
  );
  install.destroy();
  globals.destroy();
}
