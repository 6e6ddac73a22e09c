import type { Masker } from './log-filter.ts';

/**
 * Shorter values are not registered. To mask `a` or `42` makes a log unreadable and tells where the secret stands; a secret that can
 * be guessed in a thousand tries is not kept by masking it. The agent itself masks secret variables of any length.
 */
export const SHORTEST_SECRET = 4;

/** Words that every log is full of; a "secret" of this value is a setting. */
const PLAIN_WORDS = new Set(['true', 'false', 'null', 'none']);

const PEM_BOUNDARY = /^-----(BEGIN|END) [A-Z0-9 ]+-----$/;

/** The forms in which a secret appears in logs: itself, its lines, trimmed, unquoted, in base64 as Kubernetes shows it, in a URL, in JSON. */
export function secretForms(value: string): string[] {
  const forms = new Set<string>();
  const add = (form: string): void => {
    if (form.length >= SHORTEST_SECRET && !PLAIN_WORDS.has(form.toLowerCase()) && !PEM_BOUNDARY.test(form)) {
      forms.add(form);
    }
  };
  const whole = value.trim();
  if (whole.length < SHORTEST_SECRET || PLAIN_WORDS.has(whole.toLowerCase())) return [];
  for (const line of value.split(/\r\n|\r|\n/)) {
    add(line.trim());
    add(unquoted(line.trim()));
  }
  for (const text of new Set([value, whole])) {
    add(Buffer.from(text, 'utf8').toString('base64'));
    add(Buffer.from(text, 'utf8').toString('base64url'));
    // Through a buffer, because encodeURIComponent refuses half a character.
    add(encodeURIComponent(Buffer.from(text, 'utf8').toString('utf8')));
    add(JSON.stringify(text).slice(1, -1));
  }
  return [...forms];
}

function unquoted(text: string): string {
  const first = text.charAt(0);
  return (first === '"' || first === "'") && text.endsWith(first) ? text.slice(1, -1) : text;
}

/** Endpoint parameters that the agent does not count as secret (azure-pipelines-agent `MaskingUtil`), and those that are only identifiers. */
const HARMLESS_PARAMETERS = new Set([
  'role',
  'scope',
  'tenantid',
  'issuedat',
  'expiresat',
  'audience',
  'authenticationtype',
  'authorizationtype',
  'accesstokentype',
  'accesstokenfetchingmethod',
  'usewindowssecurity',
  'unsecured',
  'oauthaccesstokenissupplied',
  'completecallbackpayload',
  'acceptuntrustedcertificates',
  'clustercontext',
]);

/** What to mask of a service connection's authorization parameter. */
export function parameterSecrets(name: string, value: string): string[] {
  const key = name.toLowerCase();
  if (HARMLESS_PARAMETERS.has(key)) return [];
  return key === 'kubeconfig' ? kubeconfigSecrets(value) : [value];
}

/** Keys of a kubeconfig whose values are no secret; to mask `apiVersion: v1` would blacken every manifest in the log. */
const HARMLESS_KUBECONFIG_KEYS =
  /^(apiVersion|kind|name|cluster|clusters|user|users|context|contexts|namespace|current-context|server|certificate-authority(-data)?|client-certificate|client-key|insecure-skip-tls-verify|tls-server-name|disable-compression|preferences|extensions|extension|command|installHint|interactiveMode|provideClusterInfo|tokenFile|exec|env|args|auth-provider|config)$/;

const YAML_ENTRY = /^\s*(?:-\s+)*["']?([A-Za-z0-9_.-]+)["']?\s*:\s+(.+?)\s*,?$/;

/** The values of a kubeconfig that are not known to be harmless. Each is one line in YAML as kubectl and the portal write it. */
function kubeconfigSecrets(text: string): string[] {
  const values: string[] = [];
  const lines = text.trimStart().startsWith('{') ? jsonEntries(text) : text.split(/\r\n|\r|\n/);
  for (const line of lines) {
    const [, key, value] = YAML_ENTRY.exec(line) ?? [];
    if (key !== undefined && value !== undefined && !HARMLESS_KUBECONFIG_KEYS.test(key)) values.push(unquoted(value));
  }
  return values;
}

/** `key: value` of each string in a JSON document; the text as it is when it is no JSON after all. */
function jsonEntries(text: string): string[] {
  const entries: string[] = [];
  try {
    JSON.parse(text, (key, value: unknown) => {
      if (typeof value === 'string') entries.push(`${key}: ${value}`);
      return value;
    });
  } catch {
    return text.split(/[\r\n,]+/);
  }
  return entries;
}

/** Every secret of this run. Replaces them in what is printed, whoever prints it. */
export class SecretRegistry implements Masker {
  readonly #known = new Set<string>();
  /** By the first two code units, longest first: one look-up a character, however many secrets there are. */
  readonly #byStart = new Map<number, string[]>();
  #longest = 0;

  get longest(): number {
    return this.#longest;
  }

  /** Returns the forms that were not known before. */
  add(value: string): string[] {
    const added = secretForms(value).filter((form) => !this.#known.has(form));
    for (const form of added) {
      this.#known.add(form);
      this.#longest = Math.max(this.#longest, form.length);
      const start = startOf(form, 0);
      const sameStart = this.#byStart.get(start);
      if (sameStart === undefined) this.#byStart.set(start, [form]);
      else {
        sameStart.push(form);
        sameStart.sort((a, b) => b.length - a.length);
      }
    }
    return added;
  }

  mask(text: string): string {
    if (this.#byStart.size === 0) return text;
    let result = '';
    let copied = 0;
    let at = 0;
    while (at < text.length - 1) {
      const end = this.#matchEnd(text, at);
      if (end === at) {
        at += 1;
        continue;
      }
      result += `${text.slice(copied, at)}***`;
      copied = end;
      at = end;
    }
    return copied === 0 ? text : result + text.slice(copied);
  }

  /** The end of the secrets that begin at `at`, also of one that begins inside another. */
  #matchEnd(text: string, at: number): number {
    let end = at;
    for (let start = at; start === at || start < end; start += 1) {
      const found = this.#byStart.get(startOf(text, start))?.find((form) => text.startsWith(form, start));
      if (found !== undefined) end = Math.max(end, start + found.length);
    }
    return end;
  }
}

function startOf(text: string, at: number): number {
  return text.charCodeAt(at) * 0x1_0000 + text.charCodeAt(at + 1);
}
