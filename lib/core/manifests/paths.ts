import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { posix, relative, resolve, sep } from 'node:path';
import type { Problem } from '../../errors.ts';

/** A folder's or a file's path as users write it: relative to the working directory, with forward slashes. */
export type UserPath = string;

/** The checkout, seen through paths as users write them. Nothing outside it is read, by `..` or by a symbolic link. */
export class Checkout {
  readonly root: string;
  readonly #realRoot: Promise<string>;

  constructor(workingDirectory: string) {
    this.root = resolve(workingDirectory);
    this.#realRoot = realpath(this.root);
  }

  absolute(path: UserPath): string {
    return resolve(this.root, path);
  }

  /** `.` for the working directory itself; undefined when the path is outside of it. */
  userPath(path: string): UserPath | undefined {
    const inside = relative(this.root, resolve(this.root, path));
    if (inside === '') return '.';
    if (inside === '..' || inside.startsWith(`..${sep}`) || resolve(inside) === inside) return undefined;
    return inside.split(sep).join('/');
  }

  /** What a path leads to; `outside` when a symbolic link leads out of the working directory. */
  async kind(path: UserPath): Promise<'file' | 'folder' | 'missing' | 'outside' | 'other'> {
    const absolute = this.absolute(path);
    const info = await stat(absolute).catch(() => undefined);
    if (info === undefined) {
      const link = await lstat(absolute).catch(() => undefined);
      return link?.isSymbolicLink() === true ? 'other' : 'missing';
    }
    if (!(await this.#contains(absolute))) return 'outside';
    if (info.isFile()) return 'file';
    return info.isDirectory() ? 'folder' : 'other';
  }

  /** Names in a folder in the order of their code units, so that every machine sees the same order. */
  async names(path: UserPath): Promise<string[]> {
    const names = await readdir(this.absolute(path));
    return names.sort(compareNames);
  }

  /**
   * All files below a folder that are not hidden, in a fixed order. Symbolic links are followed inside the working directory;
   * one that leads out of it, or to nothing, is a problem. Our own walk, because a library's would have left the checkout
   * before a link could be judged.
   */
  async *filesBelow(folder: UserPath, problems: Problem[]): AsyncGenerator<UserPath> {
    yield* this.#walk(folder, [], problems);
  }

  async *#walk(folder: UserPath, parents: readonly string[], problems: Problem[]): AsyncGenerator<UserPath> {
    const real = await realpath(this.absolute(folder));
    // A link to a folder above leads round in a circle: its files are found once.
    if (parents.includes(real)) return;
    const entries = await readdir(this.absolute(folder), { withFileTypes: true });
    entries.sort((left, right) => compareNames(left.name, right.name));
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const path = folder === '.' ? entry.name : posix.join(folder, entry.name);
      switch (entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : await this.kind(path)) {
        case 'file':
          yield path;
          break;
        case 'folder':
          yield* this.#walk(path, [...parents, real], problems);
          break;
        case 'outside':
          problems.push(outsideProblem(path));
          break;
        default:
          if (isManifestFile(path)) problems.push(brokenLink(path));
      }
    }
  }

  async #contains(absolute: string): Promise<boolean> {
    const inside = relative(await this.#realRoot, await realpath(absolute));
    return inside === '' || (inside !== '..' && !inside.startsWith(`..${sep}`) && resolve(inside) !== inside);
  }
}

function compareNames(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function brokenLink(path: UserPath): Problem {
  return {
    message: 'The symbolic link leads to nothing, or to something that is no file. Remove or correct it.',
    input: 'manifests',
    at: { file: path },
    code: 'broken-link',
  };
}

export function outsideProblem(path: UserPath, input = 'manifests'): Problem {
  return {
    message: `\`${path}\` is a symbolic link that leads out of the working directory, so what it leads to is not in Git. Put the file itself there.`,
    input,
    at: { file: path },
    code: 'outside-working-directory',
  };
}

export function isManifestFile(path: UserPath): boolean {
  return /\.(?:ya?ml|json)$/i.test(path);
}

/** A path as the user typed it, in the form of user paths; on Windows with backslashes turned. */
export function normalizeTyped(path: string): string {
  const slashes = process.platform === 'win32' ? path.replaceAll('\\', '/') : path;
  return slashes.length > 1 ? slashes.replace(/\/+$/, '') : slashes;
}
