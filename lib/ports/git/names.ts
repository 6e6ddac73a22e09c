import { InputError } from '../../errors.ts';

/** A full object id: SHA-1, or SHA-256 in a repository of that format. */
export function isCommitId(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}

/** Throws InputError, naming `input`, unless the text is a full commit id in lower case. */
export function requireCommitId(text: string, what: string): string {
  if (!isCommitId(text)) throw new InputError(`${what}: "${text}" is not a full commit id of 40 hexadecimal digits.`);
  return text;
}

/**
 * The full name of a branch, `refs/heads/<name>`, from `main` or `refs/heads/main`.
 * The rules are those of `git check-ref-format --branch`; they also keep a name from being read as an option.
 */
export function branchRef(text: string, input = 'protectedBranch'): string {
  const name = text.startsWith('refs/heads/') ? text.slice('refs/heads/'.length) : text;
  if (!isBranchName(name) || text.startsWith('refs/tags/') || text.startsWith('refs/pull/')) {
    throw new InputError({
      message: `Input ${input}: "${text}" is not the name of a branch. Give a name such as main or refs/heads/main.`,
      input,
    });
  }
  return `refs/heads/${name}`;
}

/** `main` of `refs/heads/main`; any other ref stays whole. */
export function shortBranch(ref: string): string {
  return ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : ref;
}

function isBranchName(name: string): boolean {
  if (name === '' || name === '@' || name === 'HEAD' || name.startsWith('-') || name.endsWith('.')) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: Git forbids control characters in refs.
  if (/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\//.test(name)) return false;
  return name.split('/').every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock'));
}
