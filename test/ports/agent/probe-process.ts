import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';

/** The runtimes that a task has to work on. Their packages are Linux-only and so optional; without them, the Node of the tests. */
export const RUNTIMES: readonly (readonly [name: string, path: string])[] = (() => {
  const packaged = ['node20-oldest', 'node24'].flatMap((name): [string, string][] => {
    const path = join(import.meta.dirname, '../../../node_modules', name, 'bin/node');
    return existsSync(path) ? [[name, path]] : [];
  });
  return packaged.length > 0 ? packaged : [['this node', process.execPath]];
})();

export interface ProbeRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly milliseconds: number;
}

export interface ProbeOptions {
  readonly inputs?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs without an agent's environment, with these arguments. */
  readonly terminal?: readonly string[];
  /** Called with each new text and the process, to send signals at the right moment. */
  readonly onOutput?: (text: string, child: ChildProcess) => void;
}

/** The probe task as one bundled file, in a folder that also serves as the agent's. */
export class Probe {
  readonly folder = mkdtempSync(join(tmpdir(), 'probe-'));
  readonly #bundle = join(this.folder, 'main.mjs');

  async bundle(): Promise<void> {
    await build({
      entryPoints: [join(import.meta.dirname, 'probe-task.ts')],
      outfile: this.#bundle,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20.18',
      logLevel: 'silent',
      banner: {
        js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
      },
    });
  }

  async run(node: string, scenario: string, options: ProbeOptions = {}): Promise<ProbeRun> {
    const started = performance.now();
    const child = spawn(node, [this.#bundle, ...(options.terminal ?? [])], {
      cwd: this.folder,
      env: {
        PATH: process.env['PATH'],
        TMPDIR: this.folder,
        ...(options.terminal === undefined ? this.#agentEnvironment(scenario, options.inputs ?? {}) : {}),
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // So that a task which does not end fails its test instead of the whole run.
      timeout: 20_000,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      options.onOutput?.(stdout, child);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [exitCode] = (await once(child, 'close')) as [number | null];
    return { stdout, stderr, exitCode, milliseconds: performance.now() - started };
  }

  /** As azure-pipelines-agent makes it (Handlers/Handler.cs), for what the probe looks at. */
  #agentEnvironment(scenario: string, inputs: Readonly<Record<string, string>>): Record<string, string> {
    const given = Object.entries({ scenario, ...inputs }).map(([name, value]) => [
      `INPUT_${name.toUpperCase()}`,
      value,
    ]);
    return {
      TF_BUILD: 'True',
      AGENT_TEMPDIRECTORY: this.folder,
      SYSTEM_DEFAULTWORKINGDIRECTORY: this.folder,
      SYSTEM_HOSTTYPE: 'build',
      ENDPOINT_URL_SYSTEMVSSCONNECTION: 'https://dev.azure.com/contoso/',
      ENDPOINT_AUTH_SCHEME_SYSTEMVSSCONNECTION: 'OAuth',
      ENDPOINT_AUTH_PARAMETER_SYSTEMVSSCONNECTION_ACCESSTOKEN: 'system-access-token',
      VSTS_PUBLIC_VARIABLES: '["system.hostType"]',
      VSTS_SECRET_VARIABLES: '["My.Secret"]',
      SECRET_MY_SECRET: 'variable-secret',
      ...Object.fromEntries(given),
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
