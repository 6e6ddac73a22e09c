/** Items of two lists that stand for each other, by their places; one of the two is absent where an item was added or removed. */
export interface Pair {
  readonly before?: number;
  readonly after?: number;
}

/** Above this many cells the table of common subsequences is not filled: the differing middle is taken as replaced. */
const maxCells = 1_000_000;

/**
 * Aligns two lists of comparable texts with as few edits as possible: equal items are pairs, in order. Between two equal
 * items, what was removed comes before what was added. Swapping the lists swaps the pairs, whatever ties there are.
 */
export function align(before: readonly string[], after: readonly string[]): Pair[] {
  return removedFirst(
    compareLists(before, after) > 0 ? alignOrdered(after, before).map(swap) : alignOrdered(before, after),
  );
}

function alignOrdered(before: readonly string[], after: readonly string[]): Pair[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let beforeEnd = before.length;
  let afterEnd = after.length;
  while (beforeEnd > start && afterEnd > start && before[beforeEnd - 1] === after[afterEnd - 1]) {
    beforeEnd--;
    afterEnd--;
  }
  const pairs: Pair[] = [];
  for (let i = 0; i < start; i++) pairs.push({ before: i, after: i });
  for (const pair of alignMiddle(before.slice(start, beforeEnd), after.slice(start, afterEnd))) {
    pairs.push(shift(pair, start));
  }
  for (let i = 0; beforeEnd + i < before.length; i++) pairs.push({ before: beforeEnd + i, after: afterEnd + i });
  return pairs;
}

function alignMiddle(before: readonly string[], after: readonly string[]): Pair[] {
  const width = after.length + 1;
  const pairs: Pair[] = [];
  let i = 0;
  let j = 0;
  if (before.length * after.length <= maxCells) {
    const common = commonLengths(before, after, width);
    const at = (row: number, column: number) => common[row * width + column] ?? 0;
    while (i < before.length && j < after.length) {
      if (before[i] === after[j]) pairs.push({ before: i++, after: j++ });
      else if (at(i + 1, j) >= at(i, j + 1)) pairs.push({ before: i++ });
      else pairs.push({ after: j++ });
    }
  }
  while (i < before.length) pairs.push({ before: i++ });
  while (j < after.length) pairs.push({ after: j++ });
  return pairs;
}

/** The lengths of the longest common subsequences of every two tails, row by row. */
function commonLengths(before: readonly string[], after: readonly string[], width: number): Uint32Array {
  const lengths = new Uint32Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        before[i] === after[j]
          ? (lengths[(i + 1) * width + j + 1] ?? 0) + 1
          : Math.max(lengths[(i + 1) * width + j] ?? 0, lengths[i * width + j + 1] ?? 0);
    }
  }
  return lengths;
}

function compareLists(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const left = a[i] ?? '';
    const right = b[i] ?? '';
    if (left !== right) return left < right ? -1 : 1;
  }
  return a.length - b.length;
}

function removedFirst(pairs: readonly Pair[]): Pair[] {
  const ordered: Pair[] = [];
  let added: Pair[] = [];
  for (const pair of pairs) {
    if (pair.before === undefined) {
      added.push(pair);
      continue;
    }
    if (pair.after !== undefined) {
      ordered.push(...added);
      added = [];
    }
    ordered.push(pair);
  }
  return [...ordered, ...added];
}

function swap(pair: Pair): Pair {
  return {
    ...(pair.after === undefined ? {} : { before: pair.after }),
    ...(pair.before === undefined ? {} : { after: pair.before }),
  };
}

function shift(pair: Pair, by: number): Pair {
  return {
    ...(pair.before === undefined ? {} : { before: pair.before + by }),
    ...(pair.after === undefined ? {} : { after: pair.after + by }),
  };
}
