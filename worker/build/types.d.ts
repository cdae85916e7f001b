/** Shapes that the build scripts hand to each other. */

/** What is compiled to byte code: the selection, or the standard library where there is none. */
export interface CompileJob {
  readonly python: PythonSelection | null;
  readonly output: string;
}

/** What a memory image is made of. */
export interface ImageJob {
  /** Zip files of byte code. */
  readonly stdlib: string;
  readonly code: string;
  /** Modules to import before the memory is saved; nothing else can be imported afterwards. */
  readonly imports: readonly string[];
  readonly output: string;
}

/** Which Python sources go into an image. */
export interface PythonSelection {
  readonly venv: string;
  /** Distributions and their top-level names, taken from the virtual environment. */
  readonly dependencies: Readonly<Record<string, readonly string[]>>;
  readonly roots: readonly PythonRoot[];
}

export interface PythonRoot {
  readonly folder: string;
  readonly packages: readonly string[];
}

/** What a build makes before any configuration is known: pieces.json beside the files it names. */
export interface Pieces {
  readonly version: string;
  readonly codeHash: string;
  readonly entry: string;
  readonly components: Readonly<Record<string, string>>;
}

/** The fields of kms.config.json that shape a deployment; the rest is for the enclave's Python. */
export interface DeploymentConfig {
  readonly parentOrigins: readonly string[];
  readonly contact?: string;
  readonly development?: boolean;
}

export interface HeaderRule {
  /** Path, or path prefix with a star at its end. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface StampOptions {
  readonly pieces: string;
  readonly config: DeploymentConfig;
  readonly output: string;
  /** Leaves `frame-ancestors` out: only for a test of what holds without it. */
  readonly withoutFrameAncestors?: boolean;
}
