import { readFileSync } from 'node:fs';
import path from 'node:path';
import { InputError, messageOf } from '../../errors.ts';
import type { Fields } from './kubeconfig-document.ts';

/** PEM that stands in the kubeconfig as base64 (`<key>-data`, which goes first as in client-go) or in a file (`<key>`). */
export function embedded(fields: Fields, key: string, folder: string | undefined): string | undefined {
  const data = fields.text(`${key}-data`);
  if (data !== undefined) return pem(Buffer.from(data, 'base64').toString('utf8'), fields.label(`${key}-data`));
  const file = fileOf(fields, key, folder);
  if (file === undefined) return undefined;
  try {
    return pem(readFileSync(file, 'utf8'), `${fields.label(key)} (${file})`);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`${fields.label(key)} cannot be read: ${messageOf(error)}. ${howToEmbed}`, { cause: error });
  }
}

const howToEmbed = 'Files can be put into a kubeconfig by `kubectl config view --flatten --raw`.';

/** The path that a field names, relative to the kubeconfig and never to the folder that the task happens to run in. */
export function fileOf(fields: Fields, key: string, folder: string | undefined): string | undefined {
  const file = fields.text(key);
  if (file === undefined || path.isAbsolute(file)) return file;
  if (folder !== undefined) return path.join(folder, file);
  throw new InputError(`${fields.label(key)} names the file '${file}', which is not there. ${howToEmbed}`);
}

function pem(text: string, label: string): string {
  if (/-----BEGIN [A-Z0-9 ]+-----/.test(text)) return text;
  throw new InputError(`${label} is not PEM, which begins with -----BEGIN; in a kubeconfig it is written as base64.`);
}
