import type { Problem } from '../../errors.ts';
import { readTextFiles } from './files.ts';
import type { Checkout, UserPath } from './paths.ts';
import type { Sops } from './sops.ts';
import { encryptedPlace } from './sops-detect.ts';
import { collectInputErrors } from './tools.ts';
import type { ScalarRewrite } from './yaml/compose.ts';
import { readYaml, type YamlDocument } from './yaml/read.ts';

export interface PlainOptions {
  readonly checkout: Checkout;
  readonly signal: AbortSignal;
  readonly rewrite: ScalarRewrite | undefined;
  /** Undefined when nothing is to be decrypted. */
  readonly sops: Sops | undefined;
}

/** The documents of files that are taken as they are. */
export async function readPlain(
  files: readonly UserPath[],
  options: PlainOptions,
  problems: Problem[],
): Promise<YamlDocument[]> {
  const documents: YamlDocument[] = [];
  for (const { file, text } of await readTextFiles(files, options.checkout, options.signal, problems)) {
    const read = readYaml(text, file, options.rewrite);
    const isEncrypted = read.documents.some((document) => encryptedPlace(document) !== undefined);
    if (isEncrypted && options.sops !== undefined) {
      const encrypted = readYaml(text, file).documents;
      const decrypt = options.sops.decryptFile(file, encrypted, problems, options.rewrite);
      documents.push(...((await collectInputErrors(decrypt, problems)) ?? []));
    } else {
      problems.push(...read.problems);
      documents.push(...read.documents);
    }
  }
  return documents;
}
