import type { Problem } from '../../errors.ts';
import type { Rewritten, ScalarRewrite } from './yaml/compose.ts';
import type { YamlPath } from './yaml/node.ts';

/**
 * Puts variables in the place of `${name}`. It works on the values of a parsed document, never on its text: whatever a variable
 * holds, it stays inside the value it stands in and can add no field and no object.
 *
 * Only the names given are replaced; any other `${...}` stays as it is; `$${name}` becomes `${name}`. A value without quotes that
 * is nothing but one `${name}` becomes a number or a boolean if the variable holds one as JSON writes it, so that
 * `replicas: ${REPLICAS}` works; except where Kubernetes takes only text.
 */
export function substitution(
  names: readonly string[],
  variable: (name: string) => string | undefined,
): { readonly rewrite: ScalarRewrite | undefined; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const values = new Map<string, string>();
  for (const name of new Set(names.map((line) => line.trim()).filter((line) => line !== ''))) {
    if (/[\s${}]/.test(name)) {
      problems.push({
        message: `\`${name}\` in \`substitute\` is no name of a variable. Write the name alone, without \`\${}\`, one a line.`,
        input: 'substitute',
        code: 'substitute-name',
      });
      continue;
    }
    const value = variable(name);
    if (value === undefined) {
      problems.push({
        message: `\`substitute\` names \`${name}\`, but no pipeline variable of that name has a value. Set it, or take it off the list.`,
        input: 'substitute',
        code: 'substitute-without-value',
      });
    } else {
      values.set(name, value);
    }
  }
  return { rewrite: values.size === 0 ? undefined : rewriteWith(values), problems };
}

function rewriteWith(values: ReadonlyMap<string, string>): ScalarRewrite {
  const alternatives = [...values.keys()].map(escapeForPattern).join('|');
  const pattern = new RegExp(`(\\$?)\\$\\{(${alternatives})\\}`, 'g');
  const alone = new RegExp(`^\\$\\{(${alternatives})\\}$`);
  return (text: string, plain: boolean, path: YamlPath): Rewritten | undefined => {
    if (!text.includes('${')) return undefined;
    const whole = plain && !isTextOnly(path) ? alone.exec(text)?.[1] : undefined;
    if (whole !== undefined) {
      const value = jsonScalar(values.get(whole) ?? '');
      if (value !== undefined) return { value };
    }
    const result = text.replace(pattern, (_match, dollar: string, name: string) =>
      dollar === '$' ? `\${${name}}` : (values.get(name) ?? ''),
    );
    return result === text ? undefined : { text: result };
  };
}

/** A number or boolean in the form of JSON that loses nothing; undefined for anything else. */
function jsonScalar(text: string): number | boolean | undefined {
  if (text === 'true') return true;
  if (text === 'false') return false;
  if (!/^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$/.test(text)) return undefined;
  const number = Number(text);
  if (!Number.isFinite(number)) return undefined;
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? undefined : number;
}

/** Maps and lists of text in every kind that has them. */
const textParents = new Set([
  'labels',
  'annotations',
  'matchLabels',
  'nodeSelector',
  'data',
  'stringData',
  'command',
  'args',
]);

/**
 * Where Kubernetes takes only text. Renderers drop the quotes that an author wrote, so without this rule `"${PORT}"` in an
 * environment variable would become a number on its way through kustomize.
 */
function isTextOnly(path: YamlPath): boolean {
  const last = path.at(-1);
  const parent = path.at(-2);
  if (typeof parent === 'string' && textParents.has(parent)) return true;
  if (parent === 'metadata' || (parent === 'selector' && path.length === 3)) return true;
  const list = path.at(-3);
  return last === 'value' && typeof parent === 'number' && (list === 'env' || list === 'parameters');
}

function escapeForPattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
