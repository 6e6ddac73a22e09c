import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { Ajv } from 'ajv';

/** A file that a task reads at run time, taken into its package. */
interface PackageFile {
  /** From the repository. */
  readonly from: string;
  /** From the task's folder in the package. */
  readonly to: string;
}

const path = { type: 'string', pattern: '^[A-Za-z0-9_@.-]+(/[A-Za-z0-9_@.-]+)*$' };
const validate = new Ajv({ allErrors: true }).compile<{ files: PackageFile[] }>({
  type: 'object',
  additionalProperties: false,
  required: ['files'],
  properties: {
    files: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['from', 'to'],
        properties: { from: path, to: path },
      },
    },
  },
});

/**
 * The data files that `package-files.json` in a task's folder declares; none when there is no such file.
 * @throws when it is not of the form `{ "files": [{ "from": "schemas/a.json", "to": "schemas/a.json" }] }`.
 */
export function declaredFiles(taskFolder: string): PackageFile[] {
  const file = join(taskFolder, 'package-files.json');
  if (!existsSync(file)) return [];
  const declared: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!validate(declared)) throw new Error(`${file}: ${new Ajv().errorsText(validate.errors)}`);
  for (const { from, to } of declared.files) {
    if (posix.normalize(from).startsWith('..') || posix.normalize(to).startsWith('..')) {
      throw new Error(`${file}: ${from} -> ${to} leaves the repository or the package`);
    }
  }
  return declared.files;
}

export async function copyInto(folder: string, source: string, to: string): Promise<void> {
  const target = join(folder, to);
  await mkdir(dirname(target), { recursive: true });
  await copyFile(source, target);
}
