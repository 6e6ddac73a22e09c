import type { Problem } from '../../errors.ts';
import { describeNode, type Identified } from './shape.ts';
import { member, type YamlMapping, type YamlNode } from './yaml/node.ts';

/** Shorter texts, `on` or `443`, would be masked all over the log and are no secrets that a mask could keep. */
const shortestMask = 4;

export function isSecret(object: Identified): boolean {
  return object.kind === 'Secret' && object.apiVersion === 'v1';
}

/**
 * The `data` of a Secret with its `stringData` in it, as the API server would store it: `stringData` wins, base64 is in its
 * canonical form. Values are masked here, before anything that follows can print them; no message contains one.
 */
export function secretData(
  secret: Identified,
  maskSecret: (value: string) => void,
  problems: Problem[],
): Record<string, string> | undefined {
  const data = new Map<string, string>();
  const report = (field: string, key: string | undefined, message: string): void => {
    const path = key === undefined ? [field] : [field, key];
    problems.push({ message, at: secret.document.place([...secret.path, ...path]), code: 'secret-data' });
  };
  for (const [key, value] of entriesOf(secret.node, 'data', report)) {
    const text = textOrEmpty(value);
    const bytes = text === undefined ? undefined : decodeBase64(text);
    if (bytes === undefined) {
      const reason = text === undefined ? `is ${kindOfNode(value)}` : 'is not valid base64';
      report(
        'data',
        key,
        `The value of \`${key}\` in \`data\` ${reason}. Encode it with base64, or write the text itself under \`stringData\`.`,
      );
      maskRaw(text, maskSecret);
      continue;
    }
    data.set(key, bytes.toString('base64'));
  }
  for (const [key, value] of entriesOf(secret.node, 'stringData', report)) {
    const text = textOrEmpty(value);
    if (text === undefined) {
      report(
        'stringData',
        key,
        `The value of \`${key}\` in \`stringData\` is ${kindOfNode(value)}, but must be text. Quote it.`,
      );
      continue;
    }
    data.set(key, Buffer.from(text, 'utf8').toString('base64'));
  }
  for (const encoded of data.values()) maskSecretValue(encoded, maskSecret);
  return secret.node.entries.has('data') || secret.node.entries.has('stringData')
    ? Object.fromEntries(data)
    : undefined;
}

/** Masks a value in both of its forms. */
function maskSecretValue(encoded: string, maskSecret: (value: string) => void): void {
  const bytes = Buffer.from(encoded, 'base64');
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(bytes);
  if (isText) maskText(text, maskSecret);
  if (encoded.length > shortestMask && bytes.length >= shortestMask) maskSecret(encoded);
}

/** Masks a text that is secret. */
export function maskText(text: string, maskSecret: (value: string) => void): void {
  if (text.trim().length >= shortestMask) maskSecret(text);
}

function maskRaw(text: string | undefined, maskSecret: (value: string) => void): void {
  if (text !== undefined) maskText(text, maskSecret);
}

function entriesOf(
  node: YamlMapping,
  field: 'data' | 'stringData',
  report: (field: string, key: string | undefined, message: string) => void,
): [string, YamlNode][] {
  const map = member(node, field);
  if (map === undefined || (map.kind === 'scalar' && map.value === null)) return [];
  if (map.kind !== 'mapping') {
    report(field, undefined, `\`${field}\` of a Secret must be an object, not ${kindOfNode(map)}.`);
    return [];
  }
  return [...map.entries].map(([key, entry]) => [key, entry.value]);
}

/** Text, or empty text for an empty value, as the API server reads it; undefined for anything else. */
function textOrEmpty(node: YamlNode): string | undefined {
  if (node.kind !== 'scalar') return undefined;
  if (node.value === null) return '';
  return typeof node.value === 'string' ? node.value : undefined;
}

/** Go's decoder, which the API server uses, skips line breaks and nothing else. */
function decodeBase64(text: string): Buffer | undefined {
  const compact = text.replace(/[\r\n]/g, '');
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return undefined;
  return Buffer.from(compact, 'base64');
}

/** What a node is, without its value. */
function kindOfNode(node: YamlNode): string {
  if (node.kind !== 'scalar' || node.value === null) return describeNode(node);
  return typeof node.value === 'string' ? 'a text' : typeof node.value === 'boolean' ? 'a boolean' : 'a number';
}
