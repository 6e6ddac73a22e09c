import { describeId, type KubernetesObject, objectId } from '../objects/kubernetes-object.ts';

const helmHook = 'helm.sh/hook';
const argoHook = 'argocd.argoproj.io/hook';

/** What an annotation of a hook means for an object. */
export type HookVerdict =
  | { readonly type: 'ordinary' }
  /** A test of a Helm chart: not part of the deployment, as for `helm install`. */
  | { readonly type: 'leftOut' }
  | { readonly type: 'refused'; readonly annotation: string; readonly message: string };

/** Judges an object by the hook annotations of Helm and Argo CD. */
export function judgeHook(object: KubernetesObject): HookVerdict {
  const annotations = object.metadata.annotations ?? {};
  const helm = annotations[helmHook];
  if (helm !== undefined) {
    const events = helm.split(',').map((event) => event.trim());
    if (events.every(isHelmTest)) return { type: 'leftOut' };
    return refuse(object, helmHook, helm);
  }
  const argo = annotations[argoHook];
  return argo === undefined ? { type: 'ordinary' } : refuse(object, argoHook, argo);
}

/** `test-success` is the name that Helm 2 used and Helm still takes. */
function isHelmTest(event: string): boolean {
  return event === 'test' || event === 'test-success' || event === 'test-failure';
}

function refuse(object: KubernetesObject, annotation: string, value: string): HookVerdict {
  return {
    type: 'refused',
    annotation,
    message: `${describeId(objectId(object))} has the annotation \`${annotation}: ${value}\`. Hooks are not run, and applying it as an ordinary object would run it at the wrong time. Take the annotation away to apply it with everything else, take the object out (charts often have a value for that), or run it in a step of its own.`,
  };
}
