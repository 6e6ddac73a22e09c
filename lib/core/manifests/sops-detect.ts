import type { Place } from '../../errors.ts';
import { member, textOf, type YamlNode, type YamlPath } from './yaml/node.ts';
import type { YamlDocument } from './yaml/read.ts';

/** How SOPS writes an encrypted value: nothing else stands beside it. */
export const encryptedValue = /^ENC\[AES256_GCM,data:[^\]]*\]$/;
const encryptedInside = /ENC\[AES256_GCM,data:/;

/** Where SOPS left its mark on a document: its `sops` metadata, or else the first encrypted value. */
export function encryptedPlace(document: YamlDocument): Place | undefined {
  if (sopsMac(document.root) !== undefined) return document.place(['sops']);
  const path = encryptedPath(document.root, [], false);
  return path === undefined ? undefined : document.place(path);
}

/** The message authentication code in the metadata that SOPS adds at the top of a document. */
export function sopsMac(root: YamlNode): string | undefined {
  return textOf(member(member(root, 'sops'), 'mac'));
}

function encryptedPath(node: YamlNode, path: YamlPath, inSecret: boolean): YamlPath | undefined {
  if (node.kind === 'scalar') {
    return typeof node.value === 'string' && holdsEncrypted(node.value, inSecret) ? path : undefined;
  }
  const secret = inSecret || textOf(member(node, 'kind')) === 'Secret';
  const children: Iterable<[string | number, YamlNode]> =
    node.kind === 'sequence'
      ? node.items.entries()
      : [...node.entries].map(([key, entry]): [string, YamlNode] => [key, entry.value]);
  for (const [step, child] of children) {
    const found = encryptedPath(child, [...path, step], secret);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * In a Secret also an encrypted file as a whole, as text or in base64, which is what a generator makes of it. In other objects
 * such a file may well be meant for a program that decrypts it itself.
 */
function holdsEncrypted(text: string, inSecret: boolean): boolean {
  if (encryptedValue.test(text)) return true;
  if (!inSecret) return false;
  if (encryptedInside.test(text)) return true;
  return (
    /^[A-Za-z0-9+/\r\n]{28,}={0,2}$/.test(text) && encryptedInside.test(Buffer.from(text, 'base64').toString('latin1'))
  );
}
