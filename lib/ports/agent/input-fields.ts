import { isAbsolute, resolve } from 'node:path';
import { type InputContext, type InputField, InvalidInput, quoted } from './inputs.ts';
import { nearest } from './nearest.ts';

/** Text as it is; undefined when it is empty. `secret` keeps it out of messages, `allowMacros` accepts `$(...)` in it. */
export function string(options: FieldFlags = {}): InputField<string | undefined> {
  return { ...options, read: (text) => text };
}

/** Text that has to be there. */
export function requiredString(options: FieldFlags = {}): InputField<string> {
  return { ...options, read: required };
}

export interface FieldFlags {
  readonly secret?: boolean;
  readonly allowMacros?: boolean;
}

interface WithDefault<T> {
  readonly default: T;
}

function required(text: string | undefined): string {
  if (text === undefined) throw new InvalidInput('a value');
  return text;
}

/**
 * One of a few words, compared without regard to case: classic editors and variables bring them in any. The spelling of the list is
 * what comes out.
 */
export function pickList<const Value extends string>(values: readonly Value[]): InputField<Value>;
export function pickList<const Value extends string>(
  values: readonly Value[],
  options: WithDefault<NoInfer<Value>>,
): InputField<Value>;
export function pickList<const Value extends string>(
  values: readonly Value[],
  options?: WithDefault<Value>,
): InputField<Value> {
  const expected = `one of ${values.map((value) => `\`${value}\``).join(', ')}`;
  return {
    read(text) {
      if (text === undefined) {
        if (options === undefined) throw new InvalidInput(expected);
        return options.default;
      }
      const match = values.find((value) => value.toLowerCase() === text.toLowerCase());
      if (match !== undefined) return match;
      const near = nearest(text, values);
      throw new InvalidInput(expected, near === undefined ? undefined : `Did you mean \`${near}\`?`);
    },
  };
}

const YES_AND_NO: Readonly<Record<string, boolean>> = {
  yes: true,
  y: true,
  on: true,
  '1': true,
  no: false,
  n: false,
  off: false,
  '0': false,
};

/** `true` or `false` in any case, as YAML and the agent write them. Empty means the default, which is false unless it is given. */
export function boolean(options: WithDefault<boolean> = { default: false }): InputField<boolean> {
  return {
    read(text) {
      if (text === undefined) return options.default;
      const word = text.toLowerCase();
      if (word === 'true' || word === 'false') return word === 'true';
      const meant = YES_AND_NO[word];
      throw new InvalidInput('`true` or `false`', meant === undefined ? undefined : `Write \`${meant}\`.`);
    },
  };
}

export interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** A whole number in decimal digits. */
export function integer(options: Range & WithDefault<number>): InputField<number>;
export function integer(options?: Range): InputField<number | undefined>;
export function integer(options: Range & Partial<WithDefault<number>> = {}): InputField<number | undefined> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = options;
  return {
    read(text) {
      if (text === undefined) return options.default;
      const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
      if (value >= min && value <= max) return value;
      throw new InvalidInput(`a whole number${describeRange(options, String)}`);
    },
  };
}

function describeRange({ min, max }: Range, write: (value: number) => string): string {
  if (min !== undefined && max !== undefined) return ` from ${write(min)} to ${write(max)}`;
  if (min !== undefined) return `, at least ${write(min)}`;
  return max === undefined ? '' : `, at most ${write(max)}`;
}

const UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 };
/** The longest that a timer of Node takes, in milliseconds: a longer one would fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** A time such as `90s`, `10m` or `1h30m`, in milliseconds. A number without unit is refused: tools disagree on what it means. */
export function duration(options: Range & WithDefault<string>): InputField<number>;
export function duration(options?: Range): InputField<number | undefined>;
export function duration(options: Range & Partial<WithDefault<string>> = {}): InputField<number | undefined> {
  const { min = 0, max = LONGEST_TIMER } = options;
  const expected = `a time such as \`90s\`, \`10m\` or \`1h30m\`${describeRange(options, writeDuration)}`;
  return {
    read(text) {
      const written = text ?? options.default;
      if (written === undefined) return undefined;
      const value = parseDuration(written);
      if (value === undefined) {
        const hint = /^\d+$/.test(written)
          ? `Add a unit: \`${written}s\` are seconds, \`${written}m\` minutes.`
          : undefined;
        throw new InvalidInput(expected, hint);
      }
      if (value < min || value > max) {
        throw new InvalidInput(expected, value > LONGEST_TIMER ? 'The longest possible time is 24 days.' : undefined);
      }
      return value;
    },
  };
}

/** Milliseconds of `1d2h3m4s`, any part of it, in this order; undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const match = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text.replace(/\s+/g, '').toLowerCase());
  if (match === null || text.trim() === '') return undefined;
  const [, d = '0', h = '0', m = '0', s = '0'] = match;
  return Number(d) * UNITS.d + Number(h) * UNITS.h + Number(m) * UNITS.m + Number(s) * UNITS.s;
}

function writeDuration(milliseconds: number): string {
  let rest = milliseconds;
  let text = '';
  for (const [unit, size] of Object.entries(UNITS)) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return `\`${text || '0s'}\``;
}

/** A list, one entry a line, trimmed, without empty lines. */
export function lines(options: FieldFlags = {}): InputField<readonly string[]> {
  return { ...options, read: (text) => listOf(text, /\r\n|[\r\n]/) };
}

/** A list, separated by commas or lines, trimmed, without empty entries. */
export function csv(options: FieldFlags = {}): InputField<readonly string[]> {
  return { ...options, read: (text) => listOf(text, /[,\r\n]/) };
}

function listOf(text: string | undefined, separator: RegExp): readonly string[] {
  return (text ?? '')
    .split(separator)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** A name as Kubernetes takes it for namespaces and as a part of other names: an RFC 1123 label. */
export function dnsLabel(): InputField<string | undefined>;
export function dnsLabel(options: { readonly required: true } | WithDefault<string>): InputField<string>;
export function dnsLabel(
  options: { readonly required?: true; readonly default?: string } = {},
): InputField<string | undefined> {
  return {
    read(text) {
      const name = text ?? options.default;
      const expected = 'lower-case letters, digits and hyphens, at most 63, with a letter or digit at both ends';
      if (name === undefined) {
        if (options.required) throw new InvalidInput(expected);
        return undefined;
      }
      if (DNS_LABEL.test(name)) return name;
      const proposal = name
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .slice(0, 63)
        .replace(/^-+|-+$/g, '');
      throw new InvalidInput(expected, proposal === '' ? undefined : `For example ${quoted(proposal)}.`);
    },
  };
}

export interface PathOptions {
  /**
   * The input has the type `filePath` in task.json. The agent roots such an input, also an empty one, at the checkout or at the
   * artifacts (azure-pipelines-agent `TaskRunner`), so one that arrives as that folder was not given.
   */
  readonly filePathInput?: boolean;
}

/** A path of this machine, made absolute from the working directory; undefined when it was not given. */
export function path(options: PathOptions = {}): InputField<string | undefined> {
  return {
    read(text, context) {
      if (text === undefined) return undefined;
      if (text.includes('\0')) throw new InvalidInput('a path without NUL characters');
      const absolute = isAbsolute(text) ? resolve(text) : resolve(context.agent.workingDirectory, text);
      return options.filePathInput === true && roots(context).includes(absolute) ? undefined : absolute;
    },
  };
}

function roots({ agent }: InputContext): string[] {
  const names = [
    'Build.SourcesDirectory',
    'Build.Repository.LocalPath',
    'System.ArtifactsDirectory',
    'System.DefaultWorkingDirectory',
  ];
  const directories = names.map((name) => agent.variable(name)).filter((directory) => directory !== undefined);
  return [agent.workingDirectory, ...directories].map((directory) => resolve(directory));
}
