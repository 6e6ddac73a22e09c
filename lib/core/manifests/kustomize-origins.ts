import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { isAbsolute, join, posix, relative, resolve, sep } from 'node:path';
import type { Place, Problem } from '../../errors.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';
import { readTextFiles } from './files.ts';
import { kustomizationNames } from './find.ts';
import type { KustomizeProgram } from './kustomize-program.ts';
import type { Checkout, UserPath } from './paths.ts';
import { candidates } from './shape.ts';
import type { LoadContext } from './source.ts';
import { withTemporaryFolder } from './temporary.ts';
import { member, textOf, toPlain, type YamlNode } from './yaml/node.ts';
import { readYaml, type YamlDocument } from './yaml/read.ts';

const originAnnotation = 'config.kubernetes.io/origin';

/** What kustomize says of an object. */
interface Origin {
  /** Undefined for what comes from outside the checkout. */
  readonly file: UserPath | undefined;
  /** Read from that file, not made by a generator that it configures. */
  readonly read: boolean;
}

/** An object of a source file, and where it begins. */
interface Declared {
  readonly type: string;
  readonly name: string;
  readonly place: Place;
}

/**
 * Where objects that kustomize rendered come from. Kustomize tells it by an annotation when the topmost kustomization asks for it;
 * the user's may not, so one of our own, in the temporary folder, is built on top of it. What that build says of the objects
 * themselves is not used: settings that count only at the top would be lost in it.
 */
export class KustomizeOrigins {
  readonly #checkout: Checkout;
  readonly #context: LoadContext;
  readonly #program: KustomizeProgram;
  readonly #origins = new Map<string, Origin>();
  /** Names of the rendered objects, by the file and type that they come from. */
  readonly #rendered = new Map<string, Set<string>>();
  readonly #declared = new Map<UserPath, readonly Declared[]>();
  readonly #folders = new WeakMap<YamlDocument, UserPath>();

  constructor(checkout: Checkout, context: LoadContext, program: KustomizeProgram) {
    this.#checkout = checkout;
    this.#context = context;
    this.#program = program;
  }

  /** Builds once more for origins. A failure costs the files and lines in messages, nothing else. */
  async learn(folder: UserPath, documents: readonly YamlDocument[], problems: Problem[]): Promise<void> {
    for (const document of documents) this.#folders.set(document, folder);
    const own = documents.filter((document) => originOf(document.root) !== undefined);
    if (own.length > 0) {
      const root = await realpath(this.#checkout.absolute(folder));
      for (const document of own) await this.#note(folder, document.root, root, problems);
    } else if (await this.#isLocal(folder, new Set())) {
      await this.#build(folder, problems);
    }
    for (const file of new Set([...this.#origins.values()].flatMap(({ file, read }) => (read && file ? [file] : [])))) {
      if (!this.#declared.has(file)) this.#declared.set(file, await this.#declaredIn(file));
    }
  }

  of(object: KubernetesObject, document: YamlDocument): Place {
    const folder = this.#folders.get(document) ?? document.file;
    const namespace = object.metadata.namespace ?? '';
    const type = `${object.apiVersion}/${object.kind}`;
    const origin = this.#origins.get(`${folder}\n${type}\n${namespace}\n${object.metadata.name}`);
    if (origin?.file === undefined) return { file: folder };
    return this.#placeIn(origin.file, origin.read, type, object.metadata.name);
  }

  /** A line only where one declaration can be the right one: kustomize adds to names, before and after, and tells no line. */
  #placeIn(file: UserPath, read: boolean, type: string, name: string): Place {
    const same = read ? (this.#declared.get(file) ?? []).filter((declared) => declared.type === type) : [];
    const rendered = this.#rendered.get(`${file}\n${type}`) ?? new Set<string>();
    const unchanged = same.length === rendered.size && same.every((declared) => rendered.has(declared.name));
    const fitting = same.filter((declared) => (unchanged ? declared.name === name : name.includes(declared.name)));
    const place = (same.length === 1 ? same : fitting.length === 1 ? fitting : [])[0]?.place;
    return place?.line === undefined ? { file } : { file, line: place.line };
  }

  async #build(folder: UserPath, problems: Problem[]): Promise<void> {
    await withTemporaryFolder(this.#context.tempDirectory, async (temporary) => {
      const base = relative(temporary, await realpath(this.#checkout.absolute(folder)));
      // On Windows a folder on another drive has no relative path, and kustomize takes no absolute one.
      if (isAbsolute(base)) return;
      const overlay = { resources: [base.split(sep).join('/')], buildMetadata: ['originAnnotations'] };
      await mkdir(temporary, { recursive: true });
      await writeFile(join(temporary, 'kustomization.yaml'), JSON.stringify(overlay));
      const result = await this.#program.build(temporary);
      if (result.exitCode !== 0) return;
      for (const document of readYaml(result.stdout, folder).documents) {
        await this.#note(folder, document.root, temporary, problems);
      }
    });
  }

  async #note(folder: UserPath, root: YamlNode, buildRoot: string, problems: Problem[]): Promise<void> {
    const said = originOf(root);
    const kind = textOf(member(root, 'kind'));
    const apiVersion = textOf(member(root, 'apiVersion'));
    const metadata = member(root, 'metadata');
    const name = textOf(member(metadata, 'name'));
    if (said === undefined || kind === undefined || apiVersion === undefined || name === undefined) return;
    const namespace = textOf(member(metadata, 'namespace')) ?? '';
    const origin = await this.#resolve(folder, said, buildRoot, problems);
    const type = `${apiVersion}/${kind}`;
    this.#origins.set(`${folder}\n${type}\n${namespace}\n${name}`, origin);
    if (origin.file === undefined) return;
    const key = `${origin.file}\n${type}`;
    this.#rendered.set(key, (this.#rendered.get(key) ?? new Set()).add(name));
  }

  async #resolve(folder: UserPath, said: YamlNode, buildRoot: string, problems: Problem[]): Promise<Origin> {
    const read = textOf(member(said, 'path'));
    const path = read ?? textOf(member(said, 'configuredIn'));
    // With a `repo` the path is one inside a remote repository.
    if (path === undefined || member(said, 'repo') !== undefined) return { file: undefined, read: false };
    const realRoot = await realpath(this.#checkout.root);
    const inside = relative(realRoot, resolve(buildRoot, path));
    if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
      problems.push({
        message: `The kustomization takes \`${posix.basename(path)}\` from outside of the working directory. Only what is checked out can be deployed; keep bases in the repository, or name a remote one with \`?ref=\`.`,
        at: { file: folder },
        input: 'manifests',
        code: 'outside-working-directory',
      });
      return { file: undefined, read: false };
    }
    return { file: inside.split(sep).join('/'), read: read !== undefined };
  }

  /** Whether a kustomization and all below it are in the checkout: a remote base is not fetched a second time. */
  async #isLocal(folder: UserPath, seen: Set<UserPath>): Promise<boolean> {
    if (seen.has(folder)) return true;
    seen.add(folder);
    const name = (await this.#checkout.names(folder)).find((entry) =>
      (kustomizationNames as readonly string[]).includes(entry),
    );
    if (name === undefined) return true;
    const [file] = await readTextFiles([posix.join(folder, name)], this.#checkout, this.#context.signal, []);
    const root = file === undefined ? undefined : readYaml(file.text, file.file).documents[0]?.root;
    for (const entry of entriesOf(root)) {
      const path = this.#checkout.userPath(posix.join(folder, entry));
      const kind = path === undefined ? 'outside' : await this.#checkout.kind(path);
      if (kind === 'missing') return false;
      if (path !== undefined && kind === 'folder' && !(await this.#isLocal(path, seen))) return false;
    }
    return true;
  }

  async #declaredIn(file: UserPath): Promise<readonly Declared[]> {
    if ((await this.#checkout.kind(file)) !== 'file') return [];
    const [read] = await readTextFiles([file], this.#checkout, this.#context.signal, []);
    if (read === undefined) return [];
    return readYaml(read.text, file)
      .documents.flatMap(candidates)
      .flatMap(({ document, path, node, inherited }) => {
        const kind = textOf(member(node, 'kind')) ?? inherited?.kind;
        const apiVersion = textOf(member(node, 'apiVersion')) ?? inherited?.apiVersion;
        const name = textOf(member(member(node, 'metadata'), 'name'));
        if (kind === undefined || apiVersion === undefined || name === undefined) return [];
        return [{ type: `${apiVersion}/${kind}`, name, place: document.place(path) }];
      });
  }
}

function originOf(root: YamlNode): YamlNode | undefined {
  const text = textOf(member(member(member(root, 'metadata'), 'annotations'), originAnnotation));
  return text === undefined ? undefined : readYaml(text, '').documents[0]?.root;
}

/** What a kustomization builds on. */
function entriesOf(root: YamlNode | undefined): string[] {
  if (root === undefined) return [];
  return ['resources', 'bases', 'components'].flatMap((field) => {
    const list = member(root, field);
    const plain = list === undefined ? undefined : toPlain(list);
    return Array.isArray(plain) ? plain.filter((entry) => typeof entry === 'string') : [];
  });
}
