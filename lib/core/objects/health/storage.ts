import { type Fields, isRecord, valueAt } from './fields.ts';
import { degraded, type Health, type HealthContext, healthy, progressing, verdict } from './verdict.ts';

/** Written by the scheduler when a Pod that uses the claim has found its node. */
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';

/**
 * gitops-engine `getCorev1PVCHealth`, and what neither reference handles: a claim that is bound only when a first Pod uses it
 * (`WaitForFirstConsumer`, or a class that could not be read) does not hold anything up. Whatever Pod then cannot start for
 * want of its volume is waited for itself.
 */
export function assessPersistentVolumeClaim(fields: Fields, object: unknown, context: HealthContext): Health {
  const phase = fields.text('status.phase');
  switch (phase) {
    case 'Bound':
      return healthy('It is bound.');
    case 'Lost':
      return degraded('The volume it was bound to is gone.', 'Lost');
    case 'Pending':
      return assessPendingClaim(fields, object, context);
    case '':
      return progressing('It has not been looked at yet.', 'NotObserved');
    default:
      return verdict('Unknown', `Its phase is ${phase}.`);
  }
}

function assessPendingClaim(fields: Fields, object: unknown, context: HealthContext): Health {
  const annotations = valueAt(object, 'metadata.annotations');
  const consumed = isRecord(annotations) && Object.hasOwn(annotations, SELECTED_NODE);
  if (consumed || fields.text('spec.volumeName') !== '') return progressing('Its volume is being made.', 'Pending');
  // An empty class, unlike none, asks for a volume that an administrator made: bound at once or not at all.
  const className = fields.text('spec.storageClassName');
  if (className === '') return progressing('There is no volume for it yet.', 'Pending');
  const mode = context.bindingModeOf?.(className);
  if (mode === 'Immediate') return progressing('It is not bound yet.', 'Pending');
  return mode === 'WaitForFirstConsumer'
    ? healthy('It will be bound when a first Pod uses it.', 'WaitForFirstConsumer')
    : healthy(`It is not bound; whether StorageClass ${className} waits for a first Pod is not known.`, 'Pending');
}

/** Neither reference has a rule; by the phases of the API. A released volume keeps its data and waits for a person. */
export function assessPersistentVolume(fields: Fields): Health {
  const phase = fields.text('status.phase');
  switch (phase) {
    case 'Available':
    case 'Bound':
      return healthy(`It is ${phase.toLowerCase()}.`);
    case 'Released':
      return healthy('Its claim was deleted; it takes no other until somebody clears spec.claimRef.', 'Released');
    case 'Failed':
      return degraded(fields.text('status.message') || 'Reclaiming it failed.', 'Failed');
    case '':
    case 'Pending':
      return progressing('It is not available yet.', 'Pending');
    default:
      return verdict('Unknown', `Its phase is ${phase}.`);
  }
}
