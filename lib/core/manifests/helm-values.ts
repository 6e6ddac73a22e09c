import type { Problem } from '../../errors.ts';
import { readTextFiles } from './files.ts';
import { type Checkout, normalizeTyped, outsideProblem, type UserPath } from './paths.ts';
import type { Sops } from './sops.ts';
import { encryptedPlace } from './sops-detect.ts';
import type { ManifestSource } from './source.ts';
import { collectInputErrors } from './tools.ts';
import { toPlain } from './yaml/node.ts';
import { readYaml, type YamlDocument } from './yaml/read.ts';

/** The values of a release, in helm's arguments and on its standard input. */
export interface HelmValues {
  readonly args: readonly string[];
  /** JSON; undefined when files say everything. */
  readonly stdin: string | undefined;
}

type Values = Record<string, unknown>;

/** One override: where it goes, and its text. */
interface Override {
  readonly path: readonly (string | number)[];
  readonly value: string;
}

/** helm itself goes no further; a longer list would only fill memory. */
const maxIndex = 65_536;

/**
 * Values files stay arguments as long as they can be read as they are. What must not be on a command line or on the disk, which are
 * overrides and decrypted files, goes to helm's standard input as one document, merged in the same order and by helm's rule: objects
 * are merged, anything else is replaced.
 */
export async function helmValues(
  source: ManifestSource,
  checkout: Checkout,
  sops: Sops | undefined,
  signal: AbortSignal,
  problems: Problem[],
): Promise<HelmValues> {
  const overrides = (source.overrides ?? []).flatMap((line) => parseOverride(line, problems) ?? []);
  const files = await valuesFiles(source.valueFiles ?? [], checkout, signal, problems);
  const hasIndex = overrides.some(({ path }) => path.some((step) => typeof step === 'number'));
  // A list's element can only be replaced in a list that is known here.
  const firstEncrypted = files.findIndex((file) => file.encrypted);
  const inline = hasIndex ? 0 : firstEncrypted < 0 ? files.length : firstEncrypted;
  const values: Values = {};
  for (const file of files.slice(inline)) mergeInto(values, (await readValues(file, sops, problems)) ?? {});
  for (const override of overrides) setValue(values, override, problems);
  const args = files.slice(0, inline).flatMap(({ path }) => ['--values', `./${path}`]);
  const needsStdin = inline < files.length || overrides.length > 0;
  return needsStdin ? { args: [...args, '--values', '-'], stdin: JSON.stringify(values) } : { args, stdin: undefined };
}

interface ValuesFile {
  readonly path: UserPath;
  readonly text: string;
  readonly encrypted: boolean;
}

async function valuesFiles(
  typed: readonly string[],
  checkout: Checkout,
  signal: AbortSignal,
  problems: Problem[],
): Promise<ValuesFile[]> {
  const paths: UserPath[] = [];
  for (const line of typed.map((entry) => normalizeTyped(entry.trim()))) {
    if (line === '') continue;
    const path = checkout.userPath(line);
    const kind = path === undefined ? 'outside' : await checkout.kind(path);
    if (path !== undefined && kind === 'file') paths.push(path);
    else if (path !== undefined && kind === 'outside') problems.push(outsideProblem(path, 'valueFiles'));
    else problems.push(noValuesFile(line, kind));
  }
  return (await readTextFiles(paths, checkout, signal, problems)).map(({ file, text }) => ({
    path: file,
    text,
    encrypted: /ENC\[AES256_GCM,/.test(text) && /["']?sops["']?\s*:/.test(text),
  }));
}

function noValuesFile(line: string, kind: string): Problem {
  const reason =
    kind === 'outside' ? 'is outside of the working directory' : kind === 'missing' ? 'is not there' : 'is no file';
  return {
    message: `The values file \`${line}\` ${reason}. Give paths of files relative to the working directory, one a line.`,
    input: 'valueFiles',
    code: 'values-file',
  };
}

async function readValues(file: ValuesFile, sops: Sops | undefined, problems: Problem[]): Promise<Values | undefined> {
  const read = readYaml(file.text, file.path);
  const document = file.encrypted ? await decrypt(file, read.documents, sops, problems) : read.documents[0];
  if (!file.encrypted) problems.push(...read.problems);
  if (document === undefined) return undefined;
  if (document.root.kind === 'mapping') return toPlain(document.root) as Values;
  problems.push({
    message: 'Values must be an object.',
    at: document.place([]),
    input: 'valueFiles',
    code: 'values-file',
  });
  return undefined;
}

async function decrypt(
  file: ValuesFile,
  documents: readonly YamlDocument[],
  sops: Sops | undefined,
  problems: Problem[],
): Promise<YamlDocument | undefined> {
  if (sops !== undefined)
    return (await collectInputErrors(sops.decryptFile(file.path, documents, problems), problems))?.[0];
  const place = documents.map(encryptedPlace).find((found) => found !== undefined);
  problems.push({
    message: 'The values file is encrypted with SOPS. Set `decryptSops` to true to have it decrypted.',
    at: place ?? { file: file.path },
    input: 'decryptSops',
    code: 'sops-encrypted',
  });
  return undefined;
}

function mergeInto(target: Values, source: Values): void {
  for (const [key, value] of Object.entries(source)) {
    const existing = target[key];
    if (isObject(existing) && isObject(value)) mergeInto(existing, value);
    else target[key] = value;
  }
}

/** `a.b\.c[0]=text`: dots nest, `\.` is a dot of the name, brackets count in a list. */
function parseOverride(line: string, problems: Problem[]): Override[] | undefined {
  if (line.trim() === '') return undefined;
  const equals = line.indexOf('=');
  const name = (equals < 0 ? line : line.slice(0, equals)).trim();
  const path = equals < 0 ? undefined : parseName(name);
  if (path !== undefined) return [{ path, value: line.slice(equals + 1) }];
  problems.push({
    message: `\`${name}\` in \`overrides\` is no \`name=value\`. Write one a line, for example \`image.tag=1.4.2\`; \`list[0].name=x\` sets an element, \`a\\.b=x\` a name with a dot.`,
    input: 'overrides',
    code: 'override-invalid',
  });
  return undefined;
}

function parseName(name: string): (string | number)[] | undefined {
  const path: (string | number)[] = [];
  const step = /((?:[^.\\[\]]|\\.)+)((?:\[\d+\])*)(\.|$)/y;
  while (step.lastIndex < name.length) {
    const match = step.exec(name);
    if (match === null) return undefined;
    const [, key = '', indexes = '', end] = match;
    path.push(key.replace(/\\(.)/g, '$1'));
    for (const [, index] of indexes.matchAll(/\[(\d+)\]/g)) path.push(Number(index));
    if (end === '.' && step.lastIndex === name.length) return undefined;
  }
  const isSafe = path.every((part) => part !== '__proto__' && (typeof part === 'string' || part <= maxIndex));
  return path.length > 0 && isSafe ? path : undefined;
}

function setValue(values: Values, override: Override, problems: Problem[]): void {
  const last = override.path.at(-1);
  let target: unknown = values;
  for (const [index, step] of override.path.slice(0, -1).entries()) {
    const next = override.path[index + 1];
    const fresh = typeof next === 'number' ? [] : {};
    const fits = (value: unknown): boolean => (typeof next === 'number' ? Array.isArray(value) : isObject(value));
    const existing = child(target, step);
    if (fits(existing)) target = existing;
    else {
      put(target, step, fresh);
      target = fresh;
    }
  }
  if (last !== undefined) put(target, last, override.value);
  else problems.push({ message: 'An override without a name.', input: 'overrides', code: 'override-invalid' });
}

function child(target: unknown, step: string | number): unknown {
  if (Array.isArray(target) && typeof step === 'number') return target[step];
  return isObject(target) && Object.hasOwn(target, step) ? target[step] : undefined;
}

function put(target: unknown, step: string | number, value: unknown): void {
  if (Array.isArray(target) && typeof step === 'number') {
    while (target.length < step) target.push(null);
    target[step] = value;
  } else if (isObject(target)) {
    target[step] = value;
  }
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
