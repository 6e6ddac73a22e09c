import { createHmac } from 'node:crypto';
import { isRecord } from './canonical-json.ts';
import { groupOf, type KubernetesObject } from './kubernetes-object.ts';

export interface MaskingOptions {
  /**
   * Keys the digests that stand for secret values. Equal values have equal digests under one key, so that a change is seen; without
   * the key nobody can try values. Random for each run; never stored beside the result.
   */
  readonly digestKey: string | Uint8Array;
  /** Values that are known to be secret, see {@link secretValuesOf}: a text that has one inside is hidden whole. */
  readonly known?: readonly string[];
}

/**
 * Names that mean a secret, written without separators: `DB_PASSWORD`, `dbPassword` and `db.password` are all `dbpassword`. Anywhere in
 * the name.
 */
export const secretNameParts: readonly string[] = [
  'password',
  'passwd',
  'passphrase',
  'pwd',
  'secret',
  'token',
  'credential',
  'connectionstring',
  'connstr',
  'apikey',
  'accesskey',
  'accountkey',
  'privatekey',
  'sharedkey',
];

/** Names that mean a secret when they are a word of their own: `API_KEY`, but not `keyboard`. */
export const secretNameWords: readonly string[] = ['key', 'keys', 'pass', 'pat', 'sas', 'auth', 'dsn'];

/** A name that ends so tells where a secret is or what it is like, not what it is: `TLS_KEY_FILE`, `tokenPath`, `secretName`. */
export const harmlessLastWords: readonly string[] = [
  'file',
  'path',
  'dir',
  'directory',
  'name',
  'ref',
  'type',
  'kind',
  'size',
  'length',
  'ttl',
  'timeout',
  'seconds',
  'minutes',
  'hours',
  'days',
  'count',
  'limit',
  'version',
  'expiration',
  'enabled',
  'algorithm',
  'alg',
];

/** Whether what goes by this name is likely to be secret. */
export function isSecretName(name: string): boolean {
  return namesSecret(name, true);
}

/**
 * A copy of the object that can be shown to anybody who may see the run. Replaced by `<secret 1a2b3c4d5e6f>`, a keyed digest:
 * - every value of a Secret's `data` and `stringData`, and any other text of that object that repeats one;
 * - values of a ConfigMap, and of `{name, value}` items such as variables of a container, whose name means a secret;
 * - any other field or annotation that is named like a password, token, credential, connection string or API key;
 * - inside any text: passwords in URLs, private keys in PEM, and what follows `password=`, `--token=`, `"apiKey": ` and the like;
 * - the annotation `kubectl.kubernetes.io/last-applied-configuration`, which repeats all of the above.
 * Objects inside objects (a List, a template) are masked likewise. Binary data is replaced by its size and digest, and what is nested
 * absurdly deep by its digest.
 */
export function maskObject(object: KubernetesObject, options: MaskingOptions): KubernetesObject {
  return new Masker(options).record(object, 0) as KubernetesObject;
}

/** The values of a Secret, each as it is and as base64; none of any other object, nor values too short to be looked for. */
export function secretValuesOf(object: Record<string, unknown>): string[] {
  if (!isCoreKind(object, 'Secret')) return [];
  return [...secretTexts(object['data'], true), ...secretTexts(object['stringData'], false)];
}

/** Masks what looks like a secret inside free text, such as a log line or a server's message. */
export function maskText(text: string, options: MaskingOptions): string {
  return new Masker(options).text(text);
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Hiding shorter texts wherever they are repeated would hide everything. */
const shortestSecret = 4;

/** Deeper than any real object; what is below cannot be walked safely. */
const maxDepth = 64;

const pemPrivateKey = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g;
const urlPassword = /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*:)([^\s/?#@]+)@/gi;
const authorization = /\b(authorization["']?\s*[:=]\s*["']?)((?:basic|bearer)\s+)?([^\s"',;]+)/gi;
/**
 * `name=value`, `name: value`, `"name": "value"`. A colon needs a space or a quote behind it: `image:tag` is no pair. A value goes on
 * over `;`, `&` and `,` unless another `name=` follows, so that no part of a password with such a character stays.
 */
const namedValue =
  /(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]+)(["']?\s*=\s*|["']?:\s+|["']:\s*)("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|(?:[^\s;&,"']|[;&,](?=[^\s;&,"'])(?!\s*[A-Za-z0-9_.-]+\s*=))+)/g;

class Masker {
  readonly #key: string | Uint8Array;

  /** Texts that are hidden wherever they are repeated. */
  readonly #known: readonly string[];

  constructor(options: MaskingOptions) {
    this.#key = options.digestKey;
    this.#known = options.known ?? [];
  }

  record(value: Record<string, unknown>, depth: number): Record<string, unknown> {
    if (isCoreKind(value, 'Secret')) return this.#secretObject(value, depth);
    const data = isCoreKind(value, 'ConfigMap')
      ? { data: this.#configData(value['data']), binaryData: this.#binaryData(value['binaryData']) }
      : {};
    const item = typeof value['name'] === 'string' && isSecretName(value['name']);
    return mapValues(value, (name, member) => {
      if (Object.hasOwn(data, name)) return data[name as keyof typeof data];
      if (name === lastApplied) return `<applied configuration ${this.#digest(plainText(member))}>`;
      const secret = (item && name === 'value') || namesSecret(name, false);
      return secret && isScalarText(member) ? this.#secret(String(member)) : this.#any(member, depth + 1);
    });
  }

  #secretObject(object: Record<string, unknown>, depth: number): Record<string, unknown> {
    const { data, stringData, ...rest } = object;
    const inside = new Masker({ digestKey: this.#key, known: [...this.#known, ...secretValuesOf(object)] });
    return {
      ...inside.record({ ...rest, kind: undefined }, depth),
      kind: object['kind'],
      ...(data === undefined ? {} : { data: this.#secretMap(data, true) }),
      ...(stringData === undefined ? {} : { stringData: this.#secretMap(stringData, false) }),
    };
  }

  /** Base64 is undone first, so that a value has one digest in `data` and in `stringData`. */
  #secretMap(value: unknown, base64: boolean): unknown {
    if (!isRecord(value)) return this.#secret(plainText(value));
    return mapValues(value, (_, member) => this.#secret(secretBytes(member, base64)));
  }

  #configData(value: unknown): unknown {
    if (!isRecord(value)) return this.#any(value, 1);
    return mapValues(value, (name, member) =>
      isSecretName(name) ? this.#secret(plainText(member)) : this.#any(member, 2),
    );
  }

  #binaryData(value: unknown): unknown {
    if (!isRecord(value)) return this.#any(value, 1);
    return mapValues(value, (_, member) => {
      const bytes = secretBytes(member, true);
      return `<binary ${bytes.length} bytes ${this.#digest(bytes)}>`;
    });
  }

  text(text: string): string {
    if (text.length < shortestSecret) return text;
    if (this.#known.some((secret) => text.includes(secret))) return this.#secret(text);
    return text
      .replace(pemPrivateKey, (key: string) => this.#secret(key))
      .replace(urlPassword, (_, start: string, password: string) => `${start}${this.#secret(password)}@`)
      .replace(authorization, (_, start: string, scheme: string | undefined, value: string) => {
        return isMasked(value) ? `${start}${scheme ?? ''}${value}` : `${start}${scheme ?? ''}${this.#secret(value)}`;
      })
      .replace(namedValue, (whole: string, name: string, separator: string, value: string) => {
        if (!namesSecret(name, separator.includes('=')) || isMasked(value)) return whole;
        return `${name}${separator}${this.#secret(unquote(value))}`;
      });
  }

  #any(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth > maxDepth) return `<nested ${this.#digest(stringify(value))}>`;
    return isRecord(value) ? this.record(value, depth) : this.#list(value as unknown[], depth);
  }

  /** Also hides what follows `--password` as an argument of its own. */
  #list(items: readonly unknown[], depth: number): unknown[] {
    return items.map((item, index) => {
      const option = items[index - 1];
      const named = typeof option === 'string' && /^--?[A-Za-z]/.test(option) && namesSecret(option, true);
      const value = typeof item === 'string' && !item.startsWith('-');
      return named && value && !option.includes('=') ? this.#secret(item) : this.#any(item, depth + 1);
    });
  }

  #secret(value: string | Uint8Array): string {
    return `<secret ${this.#digest(value)}>`;
  }

  #digest(value: string | Uint8Array): string {
    return createHmac('sha256', this.#key).update(value).digest('hex').slice(0, 12);
  }
}

/**
 * `words`: also names that mean a secret only where names are the user's own, such as variables; as fields of an API, `key` and
 * `secret` mostly name something.
 */
function namesSecret(name: string, words: boolean): boolean {
  const parts = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((part) => part !== '');
  if (harmlessLastWords.includes(parts.at(-1) ?? '')) return false;
  const joined = parts.join('');
  if (!words && joined === 'secret') return false;
  return (
    secretNameParts.some((part) => joined.includes(part)) ||
    (words && parts.some((part) => secretNameWords.includes(part)))
  );
}

function isScalarText(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

/** The value of {@link namedValue} ends at the first space, and so does what stands for a value that is hidden already. */
function isMasked(value: string): boolean {
  return value === '<secret';
}

function unquote(value: string): string {
  return /^(["']).*\1$/s.test(value) ? value.slice(1, -1) : value;
}

function isCoreKind(value: Record<string, unknown>, kind: string): boolean {
  return value['kind'] === kind && (typeof value['apiVersion'] !== 'string' || groupOf(value['apiVersion']) === '');
}

function secretBytes(value: unknown, base64: boolean): Buffer {
  return Buffer.from(plainText(value), base64 ? 'base64' : 'utf8');
}

function secretTexts(value: unknown, base64: boolean): string[] {
  return Object.values(isRecord(value) ? value : {}).flatMap((member) => {
    const bytes = secretBytes(member, base64);
    const texts = [bytes.toString('utf8').trim(), bytes.toString('base64'), plainText(member).trim()];
    return texts.filter((text) => text.length >= shortestSecret);
  });
}

function plainText(value: unknown): string {
  return typeof value === 'string' ? value : stringify(value);
}

/** JSON of anything that came out of JSON; of what is nested too deep for it, a constant. */
function stringify(value: unknown): string {
  try {
    return value === undefined ? '' : JSON.stringify(value);
  } catch {
    return 'too deep';
  }
}

function mapValues(
  value: Record<string, unknown>,
  map: (name: string, member: unknown) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, map(name, member)]));
}
