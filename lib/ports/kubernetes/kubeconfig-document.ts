import { load, YAMLException } from 'js-yaml';
import { InputError } from '../../errors.ts';

/** The entries of a kubeconfig that one context names. Source: `k8s.io/client-go/tools/clientcmd/api/v1`. */
export interface KubeconfigSelection {
  readonly cluster: Fields;
  /** Undefined when the context names nobody. */
  readonly user?: Fields;
  readonly userName: string;
  readonly namespace?: string;
}

/** A kubeconfig is a few kilobytes; the largest with embedded certificates of hundreds of clusters stay far below this. */
export const largestKubeconfig = 8 * 1024 * 1024;

/**
 * The cluster and user of `context`, of the current context, or of the only one there is; connections that Azure DevOps made
 * name no current context. Only these entries have to be in order, as for kubectl. Throws InputError whose message starts with `where`.
 */
export function selectContext(text: string, where: string, context?: string): KubeconfigSelection {
  const document = parse(text, where);
  const contexts = document.named('contexts');
  const name = context ?? document.text('current-context') ?? only(contexts);
  if (name === undefined && contexts.length === 0) return withoutContext(document, where);
  if (name === undefined) throw new InputError(`${where} names no current context. Choose one of: ${names(contexts)}.`);
  const chosen = find(contexts, name);
  if (chosen === undefined) {
    const origin = context === undefined ? ', which it names as its current one' : '';
    throw new InputError(`${where} has no context '${name}'${origin}. It has: ${names(contexts)}.`);
  }
  const fields = chosen.fields('context');
  const userName = fields.text('user') ?? '';
  const user = userName === '' ? undefined : entry(document, 'users', userName, name).optionalFields('user');
  const namespace = fields.text('namespace');
  return {
    cluster: entry(document, 'clusters', fields.required('cluster'), name).fields('cluster'),
    ...(user && { user }),
    userName,
    ...(namespace && { namespace }),
  };
}

/** One cluster and at most one user: there is nothing to choose. */
function withoutContext(document: Fields, where: string): KubeconfigSelection {
  const clusters = document.named('clusters');
  const users = document.named('users');
  const [cluster] = clusters;
  const [user] = users;
  if (cluster === undefined) {
    throw new InputError(
      `${where} names no cluster. Write the output of \`kubectl config view --flatten --minify\` there.`,
    );
  }
  if (clusters.length > 1 || users.length > 1) {
    throw new InputError(
      `${where} has several clusters or users and no context that joins two of them. Add a context.`,
    );
  }
  const fields = user?.optionalFields('user');
  return { cluster: cluster.fields('cluster'), ...(fields && { user: fields }), userName: user?.text('name') ?? '' };
}

function parse(text: string, where: string): Fields {
  if (text.length > largestKubeconfig)
    throw new InputError(`${where} is ${megabytes(text.length)} long: no kubeconfig.`);
  let value: unknown;
  try {
    value = load(text);
  } catch (error) {
    throw new InputError(`${where} is not a kubeconfig: ${problemOf(error)}.`, { cause: error });
  }
  if (!isObject(value))
    throw new InputError(`${where} is not a kubeconfig: it holds ${typeName(value)} and no fields.`);
  if (typeof value['kind'] === 'string' && value['kind'] !== 'Config') {
    throw new InputError(`${where} is not a kubeconfig: its kind is '${value['kind']}' and not 'Config'.`);
  }
  return new Fields(value, '', where);
}

/** The reason and the place, but not the lines around it, which may be a token. */
function problemOf(error: unknown): string {
  if (!(error instanceof YAMLException)) return 'it is not YAML';
  const at = error.mark ? ` (line ${error.mark.line + 1})` : '';
  return `it is not YAML: ${error.reason}${at}`;
}

function megabytes(length: number): string {
  return `${Math.ceil(length / 1024 / 1024)} MB`;
}

function entry(document: Fields, list: 'clusters' | 'users', name: string, context: string): Fields {
  const found = find(document.named(list), name);
  if (found !== undefined) return found;
  throw new InputError(
    `${document.where}: context '${context}' names '${name}', which is not among its ${list}: ${names(document.named(list))}.`,
  );
}

function find(entries: readonly Fields[], name: string): Fields | undefined {
  const found = entries.filter((candidate) => candidate.text('name') === name);
  if (found.length > 1) throw new InputError(`${found[1]?.label()} has the name '${name}' a second time. Remove one.`);
  return found[0];
}

function only(entries: readonly Fields[]): string | undefined {
  return entries.length === 1 ? entries[0]?.required('name') : undefined;
}

function names(entries: readonly Fields[]): string {
  return entries.map((candidate) => candidate.text('name') ?? '(no name)').join(', ') || 'none';
}

/** One mapping of the document. Readers refuse what has the wrong type and say where it stands, never what it is. */
export class Fields {
  readonly where: string;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #path: string;

  constructor(values: Readonly<Record<string, unknown>>, path: string, where: string) {
    this.#values = values;
    this.#path = path;
    this.where = where;
  }

  /** Undefined when it is missing or empty. */
  text(key: string): string | undefined {
    const value = this.raw(key);
    if (value === undefined || value === null || value === '') return undefined;
    if (typeof value !== 'string') this.#refuse(key, `is ${typeName(value)} and not text. Put it in quotation marks`);
    return value;
  }

  required(key: string): string {
    return this.text(key) ?? this.#refuse(key, 'is missing');
  }

  flag(key: string): boolean {
    const value = this.raw(key) ?? false;
    if (typeof value !== 'boolean') this.#refuse(key, `is ${typeName(value)} and neither true nor false`);
    return value;
  }

  texts(key: string): string[] {
    return this.#list(key).map((value, index) => {
      if (typeof value === 'string') return value;
      return this.#refuse(`${key}[${index}]`, `is ${typeName(value)} and not text. Put it in quotation marks`);
    });
  }

  /** A list of mappings. */
  named(key: string): Fields[] {
    return this.#list(key).map((value, index) => this.#child(`${key}[${index}]`, value));
  }

  fields(key: string): Fields {
    return this.#child(key, this.raw(key));
  }

  optionalFields(key: string): Fields | undefined {
    const value = this.raw(key);
    return value === undefined || value === null ? undefined : this.#child(key, value);
  }

  keys(): string[] {
    return Object.keys(this.#values);
  }

  raw(key: string): unknown {
    return Object.hasOwn(this.#values, key) ? this.#values[key] : undefined;
  }

  /** `<where>: users[0].user.exec` */
  label(key = ''): string {
    const path = [this.#path, key].filter((part) => part !== '').join('.');
    return path === '' ? this.where : `${this.where}: ${path}`;
  }

  #list(key: string): unknown[] {
    const value = this.raw(key) ?? [];
    if (!Array.isArray(value)) this.#refuse(key, `is ${typeName(value)} and not a list`);
    return value as unknown[];
  }

  #child(key: string, value: unknown): Fields {
    if (!isObject(value))
      this.#refuse(key, value === undefined ? 'is missing' : `is ${typeName(value)} and has no fields`);
    return new Fields(value, this.label(key).slice(this.where.length + 2), this.where);
  }

  #refuse(key: string, problem: string): never {
    throw new InputError(`${this.label(key)} ${problem}.`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'a mapping' : `a ${typeof value}`;
}
