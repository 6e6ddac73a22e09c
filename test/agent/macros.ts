/**
 * Replaces `$(name)` by what `lookup` knows (agent: VarUtil.ExpandValues). What was put in is not looked at again, an
 * unknown macro stays as it is, and the text after its first character is searched again: `$(a$(b)` can still become `$(aB`.
 */
export function expandMacros(text: string, lookup: (name: string) => string | undefined): string {
  let result = text;
  let from = 0;
  while (from < result.length) {
    const start = result.indexOf('$(', from);
    if (start < 0) break;
    const end = result.indexOf(')', start + 2);
    if (end < 0) break;
    const name = result.slice(start + 2, end);
    const value = name === '' ? undefined : lookup(name);
    if (value === undefined) {
      from = start + 1;
    } else {
      result = result.slice(0, start) + value + result.slice(end + 1);
      from = start + value.length;
    }
  }
  return result;
}
