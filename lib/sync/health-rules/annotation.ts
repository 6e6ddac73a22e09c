import type { Manifest } from '../../core/manifests/manifest.ts';
import { describeId, type KubernetesObject, objectId } from '../../core/objects/kubernetes-object.ts';
import type { Problem } from '../../errors.ts';
import { compileExpression } from './expression.ts';

/** On one object: `ignore`, or a CEL expression that is true when the object is healthy. It goes before every rule. */
export const healthAnnotation = 'gitops.pipelines/health';
export const ignoreHealth = 'ignore';
const longest = 4_000;

/** The annotation's value; undefined when there is none. */
export function overrideOf(object: KubernetesObject): string | undefined {
  const value: unknown = object.metadata?.annotations?.[healthAnnotation];
  return typeof value === 'string' ? value.trim() : undefined;
}

/** What is wrong with the annotations of what Git declares, to be told before anything is applied. Pure. */
export function checkHealthAnnotations(manifests: readonly Manifest[]): Problem[] {
  return manifests.flatMap(({ object, origin }): Problem[] => {
    const value = overrideOf(object);
    if (value === undefined || value === ignoreHealth) return [];
    const flaw = value.length > longest ? `it is longer than ${longest} characters` : flawOf(value);
    if (flaw === undefined) return [];
    const message = `Annotation ${healthAnnotation} of ${describeId(objectId(object))} must be \`${ignoreHealth}\` or a CEL expression over \`self\`: ${flaw}.`;
    return [{ message, at: origin, code: 'invalid-expression' }];
  });
}

function flawOf(text: string): string | undefined {
  if (text === '') return 'it is empty';
  const result = compileExpression(text, 'bool');
  return 'flaw' in result ? result.flaw : undefined;
}
