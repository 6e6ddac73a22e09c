import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { CommandError } from './command-record.ts';
import type { SecretMasker } from './masking.ts';
import type { TaskRestrictions } from './restrictions.ts';
import { type AgentResult, mergeResults } from './result.ts';
import { Variables } from './variables.ts';

export type HostType = 'build' | 'release' | 'deployment';

export interface Issue {
  readonly type: 'error' | 'warning';
  readonly message: string;
  readonly code?: string;
  readonly sourcePath?: string;
  readonly line?: number;
  readonly column?: number;
}

export interface SetVariable {
  readonly name: string;
  readonly value: string;
  readonly secret: boolean;
  readonly output: boolean;
}

export interface Upload {
  readonly kind: 'attachment' | 'summary' | 'file' | 'testResults' | 'log' | 'artifact';
  readonly type: string;
  readonly name: string;
  /** Where the task left it. */
  readonly source: string;
  /** The copy that was made when it was queued. */
  readonly copy: string;
  /** SHA-256 of the file when it was queued. */
  readonly digest: string;
}

export interface StepOptions {
  readonly host: HostType;
  readonly variables: Variables;
  readonly masker: SecretMasker;
  readonly restrictions: TaskRestrictions | undefined;
  /** Names that task.json declares as outputs. */
  readonly outputs: readonly string[];
  /** The step's `name` in YAML: outputs are set as `<reference name>.<name>`. */
  readonly referenceName: string;
  /** The checkout that source paths of issues are made relative to; undefined in a release. */
  readonly repositoryPath: string | undefined;
  readonly uploadFolder: string;
  readonly onLog?: (line: string) => void;
}

// Of each kind; what comes after is in the log only (agent: ExecutionContext._maxIssueCount).
const issueLimit = 10;

/** The state of a step while its task runs (agent: ExecutionContext.cs). */
export class Step {
  readonly options: StepOptions;
  readonly taskVariables = new Variables();
  readonly log: string[] = [];
  readonly issues: Issue[] = [];
  readonly issueCounts = { error: 0, warning: 0 };
  readonly setVariables: SetVariable[] = [];
  readonly uploads: Upload[] = [];
  readonly progress: { readonly percent: number; readonly text: string }[] = [];
  readonly registeredSecrets: string[] = [];
  readonly prependedPaths: string[] = [];
  readonly buildTags: string[] = [];
  buildNumber: string | undefined;
  releaseName: string | undefined;
  result: AgentResult | undefined;
  forceCompleted = false;

  constructor(options: StepOptions) {
    this.options = options;
  }

  /** A line, or several when a message holds line breaks. Masked here, by what is registered now. */
  write(text: string): void {
    for (const line of this.options.masker.mask(text).split(/\r\n|\r|\n/)) {
      this.log.push(line);
      this.options.onLog?.(line);
    }
  }

  debug(text: string): void {
    if (this.options.variables.flag('System.Debug') === true) this.write(`##[debug]${text}`);
  }

  /** `shown` is the text in the log when it differs from the issue's own message. */
  addIssue(issue: Issue, shown = issue.message): void {
    this.issueCounts[issue.type]++;
    this.write(`##[${issue.type}]${shown}`);
    if (this.issueCounts[issue.type] > issueLimit) return;
    this.issues.push({ ...issue, message: this.options.masker.mask(issue.message) });
  }

  warning(message: string): void {
    this.addIssue({ type: 'warning', message });
  }

  error(message: string): void {
    this.addIssue({ type: 'error', message });
  }

  registerSecret(value: string): void {
    if (value === '') return;
    this.registeredSecrets.push(value);
    this.options.masker.add(value);
  }

  setVariable(variable: SetVariable, options: { readOnly: boolean; preserveCase: boolean }): void {
    const declared = this.options.outputs.some((name) => name.toLowerCase() === variable.name.toLowerCase());
    const output = variable.output || declared;
    if (variable.secret) this.registerSecret(variable.value);
    this.setVariables.push({ ...variable, output });
    const name = output ? `${this.options.referenceName}.${variable.name}` : variable.name;
    this.options.variables.set(name, variable.value, {
      ...options,
      secret: variable.secret,
      readOnly: variable.output || options.readOnly,
    });
  }

  complete(result: AgentResult): void {
    this.result = mergeResults(this.result, result);
  }

  setProgress(percent: number, text: string): void {
    this.progress.push({ percent, text: this.options.masker.mask(text) });
  }

  /** Copies the file at once; the agent uploads it later and expects to find it then. */
  queueUpload(kind: Upload['kind'], type: string, name: string, source: string): void {
    // A relative path would mean a file in the agent's own folder.
    if (!path.isAbsolute(source) || statSync(source, { throwIfNoEntry: false })?.isFile() !== true) {
      throw new CommandError(`The file "${source}" that is queued for upload does not exist.`, 'missing-file');
    }
    const folder = path.join(this.options.uploadFolder, String(this.uploads.length + 1));
    mkdirSync(folder, { recursive: true });
    const copy = path.join(folder, name);
    copyFileSync(source, copy);
    this.uploads.push({ kind, type, name, source: path.resolve(source), copy, digest: digestOf(copy) });
  }
}

/** SHA-256 of a file; undefined when it is not there. */
export function fileDigest(file: string): string | undefined {
  return statSync(file, { throwIfNoEntry: false })?.isFile() === true ? digestOf(file) : undefined;
}

function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
