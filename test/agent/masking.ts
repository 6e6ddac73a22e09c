/** What the agent puts in a secret's place. */
export const mask = '***';

// The password in `//user:password@host` (agent: AdditionalMaskingRegexes.cs).
const urlPassword = /(?<=\/\/[^:/?#\n]+:)(?:[\w.~-]|(?:%|%AZP25)[0-9a-fA-F]{2}|[!$&'()*+,;=]|:)+(?=@)/g;

/** The agent's secret masker: registered values, in the encodings that the agent knows, and passwords in URLs. */
export class SecretMasker {
  readonly #values = new Set<string>();

  add(value: string): void {
    if (value === '') return;
    for (const form of [value, jsonString(value), uriData(value)]) this.#values.add(form);
  }

  has(value: string): boolean {
    return this.#values.has(value);
  }

  /** Replaces every occurrence; what overlaps or touches becomes one mask, as in the agent. */
  mask(text: string): string {
    const spans: [number, number][] = [];
    for (const value of this.#values) {
      for (let at = text.indexOf(value); at >= 0; at = text.indexOf(value, at + 1)) spans.push([at, at + value.length]);
    }
    for (const match of text.matchAll(urlPassword)) spans.push([match.index, match.index + match[0].length]);
    if (spans.length === 0) return text;

    spans.sort((a, b) => a[0] - b[0]);
    let result = '';
    let end = -1;
    let from = 0;
    for (const [start, stop] of spans) {
      if (start > end) {
        result += text.slice(from, start) + mask;
      }
      end = Math.max(end, stop);
      from = end;
    }
    return result + text.slice(from);
  }
}

/** The forms of a secret variable that the agent masks from the start (agent: Worker.cs, InitializeSecretMasker). */
export function secretVariableForms(value: string): string[] {
  if (value.trim() === '') return [];
  const base64 = Buffer.from(value, 'utf8').toString('base64');
  return [value, escapeLines(escapePercents(value)), escapeLines(value), base64].flatMap((form) => [
    form,
    ...['"', "'"].filter((quote) => form.startsWith(quote) && form.endsWith(quote)).map((quote) => trim(form, quote)),
    trim(form, '\r\n '),
  ]);
}

// Agent: MaskingUtil.cs. Everything else in an endpoint's authorization is taken for a secret, `serviceprincipalid` too.
const harmlessParameters = new Set([
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
  'acceptuntrustedcerts',
]);

export function isSecretParameter(name: string): boolean {
  return !harmlessParameters.has(name.toLowerCase());
}

function escapePercents(text: string): string {
  return text.replaceAll('%', '%AZP25');
}

function escapeLines(text: string): string {
  return text.replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function trim(text: string, characters: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && characters.includes(text.charAt(start))) start++;
  while (end > start && characters.includes(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}

function jsonString(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

const loneSurrogate = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** .NET's Uri.EscapeDataString, which also escapes `!'()*`. */
function uriData(text: string): string {
  return encodeURIComponent(text.replace(loneSurrogate, '\ufffd')).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
