import type { Place, Problem } from '../../errors.ts';
import { describeId, type KubernetesObject, keyOf, objectId } from '../objects/kubernetes-object.ts';
import { judgeHook } from './hooks.ts';
import type { Manifest } from './manifest.ts';
import { isSecret, secretData } from './secret.ts';
import { candidates, type Identified, identify } from './shape.ts';
import { encryptedPlace } from './sops-detect.ts';
import type { Ambiguity } from './yaml/compose.ts';
import { toPlain, type YamlPath } from './yaml/node.ts';
import type { YamlDocument } from './yaml/read.ts';
import { describeScalar } from './yaml/scalar.ts';

export interface ObjectOptions {
  readonly defaultNamespace: string;
  /** SOPS files were decrypted; what is encrypted still could not be. */
  readonly decrypted: boolean;
  maskSecret(value: string): void;
  log(line: string): void;
  /** Where a rendered object comes from; without it, objects stand where their document says. */
  readonly origin?: (object: KubernetesObject, document: YamlDocument) => Place;
}

export interface Objects {
  readonly manifests: Manifest[];
  readonly warnings: Problem[];
  readonly problems: Problem[];
}

const encryptedMessage =
  'The document is encrypted with SOPS. Set `decryptSops` to true to have it decrypted; it is never applied as it is.';
const notDecryptable =
  'The document is encrypted with SOPS and could not be decrypted: only whole YAML and JSON files of the checkout are, as plain manifests or as `resources` of a kustomization, and values files of charts. It is never applied as it is.';

/** What metadata the API server writes itself; in Git it comes from `kubectl get -o yaml`. */
const serverFields = [
  'uid',
  'resourceVersion',
  'generation',
  'selfLink',
  'managedFields',
  'deletionTimestamp',
] as const;

const sources = new WeakMap<KubernetesObject, { document: YamlDocument; path: YamlPath }>();

/**
 * The line of a field in the file that declares the object, e.g. `['spec', 'replicas']`. Undefined when the object was rendered,
 * or when the field has no text of its own.
 */
export function lineOf(manifest: Manifest, path: YamlPath): number | undefined {
  const source = sources.get(manifest.object);
  if (source === undefined) return undefined;
  const line = (steps: YamlPath): number | undefined => source.document.place([...source.path, ...steps]).line;
  // `stringData` has become `data`.
  return path[0] === 'data' ? (line(path) ?? line(['stringData', ...path.slice(1)])) : line(path);
}

/** Turns documents into objects: lists taken apart, Secrets in the server's form, hooks and duplicates judged. */
export function objectsOf(documents: readonly YamlDocument[], options: ObjectOptions): Objects {
  const reader = new ObjectReader(options);
  for (const document of documents) reader.read(document);
  return reader.result();
}

class ObjectReader {
  readonly #options: ObjectOptions;
  readonly #manifests: Manifest[] = [];
  readonly #warnings: Problem[] = [];
  readonly #problems: Problem[] = [];
  readonly #seen = new Map<string, Place>();

  constructor(options: ObjectOptions) {
    this.#options = options;
  }

  result(): Objects {
    return { manifests: this.#manifests, warnings: this.#warnings, problems: this.#problems };
  }

  read(document: YamlDocument): void {
    const encrypted = encryptedPlace(document);
    if (encrypted !== undefined) {
      this.#problems.push({
        message: this.#options.decrypted ? notDecryptable : encryptedMessage,
        at: encrypted,
        input: 'decryptSops',
        code: 'sops-encrypted',
      });
      return;
    }
    const objects = candidates(document).map((candidate) => identify(candidate, this.#problems));
    let secret = false;
    for (const object of objects) {
      if (object === undefined) continue;
      secret ||= isSecret(object);
      this.#take(object);
    }
    for (const ambiguity of document.ambiguities) {
      if (!isFileMode(ambiguity.path)) this.#warnings.push(ambiguityWarning(document, ambiguity, secret));
    }
  }

  #take(identified: Identified): void {
    const { document, path } = identified;
    const data = isSecret(identified) ? secretData(identified, this.#options.maskSecret, this.#problems) : undefined;
    const object = plainObject(identified);
    if (isSecret(identified)) {
      delete object['stringData'];
      if (data === undefined) delete object['data'];
      else object['data'] = data;
    }
    const own = document.place(path);
    const rendered = this.#options.origin?.(object, document);
    const origin = rendered ?? (own.line === undefined ? { file: own.file } : { file: own.file, line: own.line });
    this.#cleanMetadata(object, origin);
    if (!this.#judge(object, origin) || this.#isDuplicate(object, origin)) return;
    if (rendered === undefined) sources.set(object, { document, path });
    this.#manifests.push({ object, origin });
  }

  #cleanMetadata(object: KubernetesObject, origin: Place): void {
    const { metadata } = object;
    const found = serverFields.filter((field) => metadata[field] !== undefined);
    for (const field of serverFields) delete metadata[field];
    // `creationTimestamp: null` is what generators write, and means nothing.
    delete metadata.creationTimestamp;
    if (metadata.namespace === null || metadata.namespace === '') delete metadata.namespace;
    for (const key of ['labels', 'annotations'] as const) if (metadata[key] === null) delete metadata[key];
    if (found.length === 0) return;
    const names = found.map((field) => `\`metadata.${field}\``).join(', ');
    this.#warnings.push({
      message: `${describeId(objectId(object))}: ${names} is set by the API server and is left out. Remove it from the file; it comes from \`kubectl get\`.`,
      at: origin,
      code: 'server-field',
    });
  }

  #judge(object: KubernetesObject, origin: Place): boolean {
    const verdict = judgeHook(object);
    switch (verdict.type) {
      case 'ordinary':
        return true;
      case 'leftOut':
        this.#options.log(`${describeId(objectId(object))} is a test of a chart and is left out.`);
        return false;
      case 'refused':
        this.#problems.push({ message: verdict.message, at: origin, code: 'hook' });
        return false;
    }
  }

  #isDuplicate(object: KubernetesObject, origin: Place): boolean {
    const id = objectId(object);
    const key = keyOf({ ...id, namespace: id.namespace === '' ? this.#options.defaultNamespace : id.namespace });
    const first = this.#seen.get(key);
    if (first === undefined) {
      this.#seen.set(key, origin);
      return false;
    }
    const there = first.line === undefined ? first.file : `${first.file}:${first.line}`;
    this.#problems.push({
      message: `${describeId(id)} is declared a second time; the first is in ${there}. Remove one of the two.`,
      at: origin,
      code: 'duplicate-object',
    });
    return true;
  }
}

function plainObject(identified: Identified): KubernetesObject {
  const plain = toPlain(identified.node) as KubernetesObject;
  return { ...plain, apiVersion: identified.apiVersion, kind: identified.kind };
}

/** Octal is what is meant, and right, in the mode of a file. */
function isFileMode(path: YamlPath): boolean {
  const last = path.at(-1);
  return last === 'mode' || last === 'defaultMode';
}

function ambiguityWarning(document: YamlDocument, ambiguity: Ambiguity, secret: boolean): Problem {
  const { text, kubernetes, yaml12 } = ambiguity;
  const shown = text.length > 40 ? `${text.slice(0, 40)}...` : text;
  const message = secret
    ? 'Kubernetes reads this value by YAML 1.1, and so otherwise than it looks. Quote it if text is meant.'
    : `Kubernetes reads \`${shown}\` as ${describeScalar(kubernetes)} (YAML 1.1), where YAML 1.2 reads ${describeScalar(yaml12)}. Quote it if text is meant: \`"${shown}"\`.`;
  return { message, at: document.place(ambiguity.path), code: 'yaml-1.1' };
}
