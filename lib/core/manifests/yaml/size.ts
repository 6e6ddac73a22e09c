/**
 * Guards for memory: a value costs far more in memory than in a file (`1,` about 200 bytes instead of 2), so bytes alone do not
 * bound it. Both stay well below the 2 GB that Node takes for itself on a small agent.
 */
export const maxSeparatorsOfDocument = 1_000_000;
/** About 50 MB of ordinary manifests. */
export const maxSeparatorsOfAll = 4_000_000;

/** How many values a text can hold at most: every value but the first stands after one of these characters. */
export function countSeparators(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // Line feed, carriage return, comma, colon, brackets, braces.
    if (code === 0x0a || code === 0x0d || code === 0x2c || code === 0x3a || code === 0x5b || code === 0x7b) count++;
  }
  return count;
}
