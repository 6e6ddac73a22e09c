import { conditionsOf, type Fields, isRecord, valueAt } from './fields.ts';
import { sentence } from './generic.ts';
import { degraded, type Health, healthy, progressing, verdict } from './verdict.ts';

/** kstatus `CRDConditions`. */
export function assessCustomResourceDefinition(fields: Fields): Health {
  const names = fields.condition('NamesAccepted');
  if (names?.status === 'False') {
    return degraded(sentence(names, 'Its names are taken.'), names.reason || 'NamesNotAccepted');
  }
  const established = fields.condition('Established');
  if (established?.status === 'True') return healthy('It is established.');
  if (established?.status === 'False' && established.reason !== 'Installing') {
    return degraded(sentence(established, 'It is not established.'), established.reason || 'NotEstablished');
  }
  return progressing('It is being established.', 'Installing');
}

/** gitops-engine `getAPIServiceHealth`. */
export function assessApiService(fields: Fields): Health {
  const available = fields.condition('Available');
  if (available === undefined) return progressing('It has not been looked at yet.', 'NotObserved');
  const message = sentence(available, 'It gave no reason.');
  return available.status === 'True' ? healthy(message) : progressing(message, available.reason);
}

/** Active, or being emptied: a namespace whose deletion has begun says so in its phase too. */
export function assessNamespace(fields: Fields): Health {
  return fields.text('status.phase') === 'Terminating'
    ? verdict('Terminating', 'It is being deleted, with all that is in it.')
    : healthy('It is active.');
}

/** The eight of gitops-engine `isDegraded`. */
const FAILING_HPA_REASONS: ReadonlySet<string> = new Set([
  'AbleToScale/FailedGetScale',
  'AbleToScale/FailedUpdateScale',
  'ScalingActive/FailedGetResourceMetric',
  'ScalingActive/FailedGetObjectMetric',
  'ScalingActive/FailedGetPodsMetric',
  'ScalingActive/FailedGetExternalMetric',
  'ScalingActive/FailedComputeMetricsReplicas',
  'ScalingActive/InvalidSelector',
]);

/** In autoscaling/v1 the conditions are JSON in an annotation. */
const HPA_CONDITIONS_V1 = 'autoscaling.alpha.kubernetes.io/conditions';

/** gitops-engine `checkConditions` of HorizontalPodAutoscalers. */
export function assessHorizontalPodAutoscaler(_fields: Fields, object: unknown): Health {
  const conditions = [...conditionsOf(object), ...conditionsOf(conditionsInAnnotation(object))];
  const failing = conditions.find((condition) => FAILING_HPA_REASONS.has(`${condition.type}/${condition.reason}`));
  if (failing !== undefined) return degraded(sentence(failing, ''), failing.reason);
  const scaling = conditions.find(
    ({ type, status }) => (type === 'AbleToScale' || type === 'ScalingLimited') && status === 'True',
  );
  if (scaling !== undefined) return healthy(sentence(scaling, 'It is able to scale.'));
  return progressing('It has not scaled anything yet.', 'NotObserved');
}

function conditionsInAnnotation(object: unknown): unknown {
  const annotations = valueAt(object, 'metadata.annotations');
  const text = isRecord(annotations) ? annotations[HPA_CONDITIONS_V1] : undefined;
  if (typeof text !== 'string') return undefined;
  try {
    return { status: { conditions: JSON.parse(text) as unknown } };
  } catch {
    // Not written by the controller then; without conditions the autoscaler counts as not seen yet.
    return undefined;
  }
}
