import type { Fields } from './fields.ts';
import { sentence } from './generic.ts';
import { degraded, type Health, healthy, progressing, verdict } from './verdict.ts';

/**
 * kstatus `deploymentConditions` and gitops-engine `getAppsv1DeploymentHealth`, whichever asks for more. A paused one is
 * suspended (engine). `ReplicaFailure` (a quota, an admission webhook) may pass, so it is told and not held against it.
 */
export function assessDeployment(fields: Fields): Health {
  if (fields.flag('spec.paused')) return verdict('Suspended', 'Its rollout is paused (spec.paused).', 'Paused');
  const unseen = notSeenByController(fields);
  if (unseen !== undefined) return unseen;

  const rollout = fields.condition('Progressing');
  if (rollout?.reason === 'ProgressDeadlineExceeded') {
    return degraded(sentence(rollout, 'It exceeded its progress deadline.'), 'ProgressDeadlineExceeded');
  }
  const unfinished = unfinishedDeployment(fields);
  if (unfinished === undefined) return healthy(`${pods(fields.count('status.replicas', 0))} available.`);
  const failure = fields.condition('ReplicaFailure');
  if (failure?.status === 'True') return progressing(`${unfinished} ${sentence(failure, '')}`, failure.reason);
  return progressing(unfinished, 'RollingOut');
}

function unfinishedDeployment(fields: Fields): string | undefined {
  const desired = fields.count('spec.replicas', 1);
  const existing = fields.count('status.replicas', 0);
  const updated = fields.count('status.updatedReplicas', 0);
  const ready = fields.count('status.readyReplicas', 0);
  const available = fields.count('status.availableReplicas', 0);
  if (updated < desired) return `${updated} of ${desired} new Pods created.`;
  if (existing > updated) return `Old Pods still to be removed: ${existing - updated}.`;
  if (existing > desired) return `Surplus Pods still to be removed: ${existing - desired}.`;
  if (available < desired) return `${available} of ${desired} Pods available.`;
  if (ready < desired) return `${ready} of ${desired} Pods ready.`;
  // Without a deadline the controller never writes the condition Progressing.
  const reportsProgress = fields.count('spec.progressDeadlineSeconds', NO_DEADLINE) !== NO_DEADLINE;
  const progress = fields.condition('Progressing');
  if (reportsProgress && !(progress?.status === 'True' && progress.reason === 'NewReplicaSetAvailable')) {
    return 'Its new ReplicaSet is not reported as available yet.';
  }
  if (fields.condition('Available')?.status !== 'True') return 'It is not reported as available yet.';
  return undefined;
}

/** The value by which the deployment controller knows that no deadline is wanted. */
const NO_DEADLINE = 2_147_483_647;

/**
 * gitops-engine `getAppsv1StatefulSetHealth` with kstatus `stsConditions`. With OnDelete a person replaces the Pods, so only
 * those that exist have to be ready; above a partition the old revision stays. With `minReadySeconds` ready is not enough,
 * as for the other workloads (neither reference looks at it).
 */
export function assessStatefulSet(fields: Fields): Health {
  const unseen = notSeenByController(fields);
  if (unseen !== undefined) return unseen;
  const desired = fields.count('spec.replicas', 1);
  const existing = fields.count('status.replicas', 0);
  const ready = fields.count('status.readyReplicas', 0);
  const updated = fields.count('status.updatedReplicas', 0);
  if (existing < desired) return progressing(`${existing} of ${desired} Pods created.`, 'RollingOut');
  if (ready < desired) return progressing(`${ready} of ${desired} Pods ready.`, 'RollingOut');
  if (existing > desired) {
    return progressing(`Surplus Pods still to be removed: ${existing - desired}.`, 'RollingOut');
  }
  if (fields.count('spec.minReadySeconds', 0) > 0) {
    const available = fields.count('status.availableReplicas', 0);
    if (available < desired) return progressing(`${available} of ${desired} Pods available.`, 'RollingOut');
  }
  if (fields.text('spec.updateStrategy.type') === 'OnDelete') {
    return healthy(`${pods(ready)} ready; new ones follow when the old are deleted (OnDelete).`);
  }
  const partition = fields.count('spec.updateStrategy.rollingUpdate.partition');
  if (partition !== undefined) {
    const wanted = Math.max(0, desired - partition);
    return updated < wanted
      ? progressing(`${updated} of ${wanted} Pods updated.`, 'RollingOut')
      : healthy(`${pods(ready)} ready, ${updated} of them at the new revision.`);
  }
  const current = fields.text('status.currentRevision');
  const update = fields.text('status.updateRevision');
  if (current !== update) return progressing(`${updated} of ${desired} Pods at revision ${update}.`, 'RollingOut');
  return healthy(`${pods(ready)} ready.`);
}

/**
 * kstatus `daemonsetConditions`; from gitops-engine `getAppsv1DaemonSetHealth` that with OnDelete old Pods may stay. Unlike
 * the engine it still asks for available Pods then.
 */
export function assessDaemonSet(fields: Fields): Health {
  const unseen = notSeenByController(fields);
  if (unseen !== undefined) return unseen;
  const desired = fields.count('status.desiredNumberScheduled');
  if (desired === undefined) return progressing('Its controller has not counted the nodes yet.', 'NotObserved');
  const steps: readonly [number, string][] = [
    [fields.count('status.currentNumberScheduled', 0), 'scheduled'],
    ...(fields.text('spec.updateStrategy.type') === 'OnDelete'
      ? []
      : ([[fields.count('status.updatedNumberScheduled', 0), 'updated']] as [number, string][])),
    [fields.count('status.numberAvailable', 0), 'available'],
    [fields.count('status.numberReady', 0), 'ready'],
  ];
  for (const [count, word] of steps) {
    if (count < desired) return progressing(`${count} of ${desired} Pods ${word}.`, 'RollingOut');
  }
  return healthy(`${pods(desired)} available, one on each node that wants one.`);
}

/** kstatus `replicasetConditions`, except that `ReplicaFailure` is degraded (gitops-engine); also ReplicationControllers. */
export function assessReplicaSet(fields: Fields): Health {
  const unseen = notSeenByController(fields);
  if (unseen !== undefined) return unseen;
  const failure = fields.condition('ReplicaFailure');
  if (failure?.status === 'True') {
    return degraded(sentence(failure, 'Its Pods cannot be created.'), 'ReplicaFailure');
  }
  const desired = fields.count('spec.replicas', 1);
  const steps: readonly [number, string][] = [
    [fields.count('status.fullyLabeledReplicas', 0), 'created'],
    [fields.count('status.availableReplicas', 0), 'available'],
    [fields.count('status.readyReplicas', 0), 'ready'],
  ];
  for (const [count, word] of steps) {
    if (count < desired) return progressing(`${count} of ${desired} Pods ${word}.`, 'RollingOut');
  }
  const surplus = fields.count('status.replicas', 0) - desired;
  if (surplus > 0) return progressing(`Surplus Pods still to be removed: ${surplus}.`, 'RollingOut');
  return healthy(`${pods(desired)} available.`);
}

/**
 * Both numbers have to be there (kstatus asks that of DaemonSets only, gitops-engine of StatefulSets): without them the
 * counts of the status are about nothing. That they are equal was seen to before any rule runs.
 */
function notSeenByController(fields: Fields): Health | undefined {
  if (fields.count('metadata.generation') !== undefined && (fields.count('status.observedGeneration') ?? 0) > 0) {
    return undefined;
  }
  return progressing('Its controller has not seen it yet.', 'NotObserved');
}

function pods(count: number): string {
  return count === 1 ? '1 Pod' : `${count} Pods`;
}
