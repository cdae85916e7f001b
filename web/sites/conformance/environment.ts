/** Which browser this is. By its own words, for a report that people read; nothing is decided by it. */

export interface Environment {
  readonly browser: string;
  readonly engine: string;
  readonly userAgent: string;
  readonly pageOrigin: string;
}

const BROWSERS: readonly (readonly [name: string, pattern: RegExp, engine: string])[] = [
  ["Firefox", /Firefox\/([\d.]+)/, "Gecko"],
  ["Edge", /Edg\/([\d.]+)/, "Blink"],
  ["Chromium", /Chrom(?:e|ium)\/([\d.]+)/, "Blink"],
  ["WebKit", /Version\/([\d.]+).*Safari/, "WebKit"],
];

export function readEnvironment(): Environment {
  const { userAgent } = navigator;
  const common = { userAgent, pageOrigin: location.origin };
  for (const [name, pattern, engine] of BROWSERS) {
    const version = pattern.exec(userAgent)?.[1];
    if (version) return { browser: `${name} ${version}`, engine, ...common };
  }
  return { browser: "unknown", engine: "unknown", ...common };
}
