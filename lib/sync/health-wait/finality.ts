import type { Health } from '../../core/objects/health.ts';
import { stageOf } from '../../core/objects/kind-order.ts';
import type { ObjectId } from '../../core/objects/kubernetes-object.ts';
import type { Json } from '../../ports/kubernetes/kubernetes-client.ts';
import { textAt } from './owned-pods.ts';

/**
 * A verdict of a controller is believed after this long. A Deployment that goes back to a ReplicaSet it had before shows
 * `ProgressDeadlineExceeded` of the failed one with its new generation already observed, until its controller's next look
 * (on 1.36: for less than 0.1 s, with every strategy).
 */
const VERDICT_SETTLE_MS = 3_000;

/**
 * For how long, in milliseconds, a health has to last before it is final: it cannot get better by itself. Undefined: it may.
 * What may: a crash loop (until its workload gives up), a Pod without a node (clusters grow), a quota, an autoscaler without
 * metrics, a container that was restarted.
 */
export function finalAfter(id: ObjectId, health: Health, live: Json | undefined): number | undefined {
  if (health.status === 'Missing') return 0;
  if (health.status !== 'Degraded') return undefined;
  switch (`${id.group}/${id.kind}`) {
    case 'batch/Job':
      return 0;
    case '/Pod':
      return textAt(live, 'status.phase') === 'Failed' ? 0 : undefined;
    case 'apps/Deployment':
      return health.reason === 'ProgressDeadlineExceeded' ? VERDICT_SETTLE_MS : undefined;
    case '/PersistentVolumeClaim':
    case '/PersistentVolume':
    case 'apiextensions.k8s.io/CustomResourceDefinition':
      return VERDICT_SETTLE_MS;
    default: {
      // Stalled: by the API conventions "cannot make progress without somebody's help".
      const stage = stageOf(id);
      return stage === 'customResources' || stage === 'customClasses' ? VERDICT_SETTLE_MS : undefined;
    }
  }
}
