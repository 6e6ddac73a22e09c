import type { Problem } from '../../errors.ts';
import { readTextFiles } from './files.ts';
import { type Checkout, isManifestFile, type UserPath } from './paths.ts';
import { maskText } from './secret.ts';
import { encryptedPlace, encryptedValue, sopsMac } from './sops-detect.ts';
import type { LoadContext } from './source.ts';
import { environmentOf, failWith, runTool, toolFailure } from './tools.ts';
import type { ScalarRewrite } from './yaml/compose.ts';
import type { YamlMapping, YamlNode } from './yaml/node.ts';
import { readYaml, type YamlDocument } from './yaml/read.ts';
import type { ScalarValue } from './yaml/scalar.ts';

/** Files beyond this size are not looked at when the source of an encrypted object is searched. */
const maxSourceCharacters = 4_000_000;

/**
 * Decrypts SOPS files by the user's own `sops`, whose answer is read from its output: clear text is never written to a file.
 * Every value is masked before it is used. `sops` gets the whole environment, because that is where its keys are.
 */
export class Sops {
  readonly #context: LoadContext;
  readonly #checkout: Checkout;
  readonly #sources = new Map<string, Promise<ReadonlyMap<string, ScalarValue> | undefined>>();

  constructor(context: LoadContext, checkout: Checkout) {
    this.#context = context;
    this.#checkout = checkout;
  }

  /** The documents of an encrypted file in clear text, standing where the file has them. Throws InputError. */
  async decryptFile(
    file: UserPath,
    encrypted: readonly YamlDocument[],
    problems: Problem[],
    rewrite?: ScalarRewrite,
  ): Promise<YamlDocument[]> {
    const clear = await this.#clearText(file);
    const plain = readYaml(clear, file);
    const sameShape = plain.documents.length === encrypted.length;
    for (const [index, document] of plain.documents.entries()) {
      maskDecrypted(sameShape ? encrypted[index]?.root : undefined, document.root, (value) =>
        this.#context.maskSecret(value),
      );
    }
    const read = rewrite === undefined ? plain : readYaml(clear, file, rewrite);
    // Lines of the clear text are not those of the file.
    problems.push(...read.problems.map((problem) => ({ ...problem, at: { file } })));
    return read.documents.map((document, index) => {
      const source = sameShape ? encrypted[index] : undefined;
      return { ...document, place: (path) => source?.place(path) ?? { file } };
    });
  }

  /**
   * Decrypts an object that a renderer took from an encrypted file: the file is found by its message authentication code,
   * which `sops` verifies, and each encrypted value of the object is replaced by that file's clear one. Undefined when no file
   * of the checkout is the source.
   */
  async decryptRendered(document: YamlDocument): Promise<YamlDocument | undefined> {
    const mac = sopsMac(document.root);
    if (mac === undefined || document.root.kind !== 'mapping') return undefined;
    let source = this.#sources.get(mac);
    if (source === undefined) {
      source = this.#clearValues(mac);
      this.#sources.set(mac, source);
    }
    const values = await source;
    if (values === undefined) return undefined;
    const entries = new Map(document.root.entries);
    entries.delete('sops');
    const root = replaceValues({ ...document.root, entries }, values);
    const decrypted = { ...document, root };
    return encryptedPlace(decrypted) === undefined ? decrypted : undefined;
  }

  async #clearText(file: UserPath): Promise<string> {
    const type = file.toLowerCase().endsWith('.json') ? 'json' : 'yaml';
    const result = await runTool(this.#context, 'sops', {
      args: ['--decrypt', '--input-type', type, '--output-type', type, `./${file}`],
      environment: environmentOf(this.#context),
    });
    if (result.exitCode === 0) return result.stdout;
    const problem = toolFailure('`sops --decrypt`', result, {
      at: { file },
      input: 'decryptSops',
      code: 'sops-failed',
    });
    return failWith({
      ...problem,
      message: `${problem.message}\nGive this step the key, for example by \`SOPS_AGE_KEY\` or a login to Azure in its environment.`,
    });
  }

  /** Encrypted text to clear value, of the file that carries the code. */
  async #clearValues(mac: string): Promise<ReadonlyMap<string, ScalarValue> | undefined> {
    const ignored: Problem[] = [];
    for await (const file of this.#checkout.filesBelow('.', ignored)) {
      if (!isManifestFile(file)) continue;
      const [read] = await readTextFiles([file], this.#checkout, this.#context.signal, ignored);
      if (read === undefined || read.text.length > maxSourceCharacters || !read.text.includes(mac)) continue;
      const encrypted = readYaml(read.text, file).documents;
      const clear = await this.decryptFile(file, encrypted, ignored);
      if (clear.length !== encrypted.length) continue;
      const values = new Map<string, ScalarValue>();
      for (const [index, document] of encrypted.entries()) pairValues(document.root, clear[index]?.root, values);
      return values;
    }
    return undefined;
  }
}

function maskDecrypted(encrypted: YamlNode | undefined, clear: YamlNode, maskSecret: (value: string) => void): void {
  const values = new Map<string, ScalarValue>();
  if (encrypted === undefined) collectScalars(clear, values);
  else pairValues(encrypted, clear, values);
  for (const value of values.values()) if (value !== null) maskText(String(value), maskSecret);
}

function collectScalars(node: YamlNode, values: Map<string, ScalarValue>): void {
  if (node.kind === 'scalar') values.set(String(values.size), node.value);
  else if (node.kind === 'sequence') for (const item of node.items) collectScalars(item, values);
  else for (const entry of node.entries.values()) collectScalars(entry.value, values);
}

/** Walks both trees at once and notes what stands in the place of each encrypted value. */
function pairValues(encrypted: YamlNode, clear: YamlNode | undefined, values: Map<string, ScalarValue>): void {
  if (clear === undefined) return;
  if (encrypted.kind === 'scalar') {
    const isEncrypted = typeof encrypted.value === 'string' && encryptedValue.test(encrypted.value);
    if (isEncrypted && clear.kind === 'scalar') values.set(String(encrypted.value), clear.value);
  } else if (encrypted.kind === 'sequence') {
    if (clear.kind !== 'sequence') return;
    for (const [index, item] of encrypted.items.entries()) pairValues(item, clear.items[index], values);
  } else if (clear.kind === 'mapping') {
    for (const [key, entry] of encrypted.entries) pairValues(entry.value, clear.entries.get(key)?.value, values);
  }
}

function replaceValues(node: YamlMapping, values: ReadonlyMap<string, ScalarValue>): YamlMapping;
function replaceValues(node: YamlNode, values: ReadonlyMap<string, ScalarValue>): YamlNode;
function replaceValues(node: YamlNode, values: ReadonlyMap<string, ScalarValue>): YamlNode {
  switch (node.kind) {
    case 'scalar': {
      const value = typeof node.value === 'string' ? values.get(node.value) : undefined;
      return value === undefined ? node : { ...node, value };
    }
    case 'sequence':
      return { ...node, items: node.items.map((item) => replaceValues(item, values)) };
    case 'mapping': {
      const entries = [...node.entries].map(
        ([key, entry]) => [key, { ...entry, value: replaceValues(entry.value, values) }] as const,
      );
      return { ...node, entries: new Map(entries) };
    }
  }
}
