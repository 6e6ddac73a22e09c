/**
 * Whether a text fits a pattern: `*` stands for any characters but `/`, `**` for any characters at all, everything else for itself.
 * Upper and lower case are the same, as they are in the names of hosts and, in effect, of environments: a rule must not be escaped by
 * writing `Production`. The time is bounded by the product of the two lengths.
 */
export function fits(pattern: string, text: string): boolean {
  const tokens = pattern.toLowerCase().match(/\*\*+|./gs) ?? [];
  const characters = text.toLowerCase();
  // `reached[i]`: the tokens so far can stand for the first i characters.
  let reached: boolean[] = Array.from({ length: characters.length + 1 }, (_, index) => index === 0);
  for (const token of tokens) {
    const next: boolean[] = [];
    for (let index = 0; index <= characters.length; index += 1)
      next.push(isReached(token, index, reached, next, characters));
    reached = next;
  }
  return reached.at(-1) ?? false;
}

function isReached(
  token: string,
  index: number,
  before: readonly boolean[],
  now: readonly boolean[],
  text: string,
): boolean {
  const character = text[index - 1];
  if (!token.startsWith('*')) return character === token && before[index - 1] === true;
  if (before[index] === true) return true;
  return index > 0 && now[index - 1] === true && (token.length > 1 || character !== '/');
}

export function fitsAny(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => fits(pattern, text));
}
