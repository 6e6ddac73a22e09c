import { type Fields, isRecord, valueAt } from './fields.ts';
import { ageOf } from './generic.ts';
import { degraded, type Health, type HealthContext, healthy, progressing, verdict } from './verdict.ts';

/** How long the scheduler may look for a node before that is a failure (kstatus `ScheduleWindow`). */
const SCHEDULE_WINDOW_MS = 15_000;

/**
 * gitops-engine `getCorev1PodHealth`, with init containers looked at too, and from kstatus that a Pod that has found no node
 * after 15 s is a failure. A Pod that restarts its containers is long-running; one that does not (Never, OnFailure) is
 * a task, which is healthy when it is done and not judged by its waiting reasons before that.
 */
export function assessPod(fields: Fields, object: unknown, context: HealthContext): Health {
  const phase = fields.text('status.phase');
  const longRunning = (fields.text('spec.restartPolicy') || 'Always') === 'Always';
  const stuck = waitingContainer(fields);
  if (longRunning && stuck !== undefined) return degraded(stuck.message, stuck.reason);
  switch (phase) {
    case '':
      return progressing('No node has reported it yet.', 'NotObserved');
    case 'Pending':
      return assessPending(fields, object, context, stuck);
    case 'Running':
      return longRunning ? assessRunning(fields) : progressing(stuck?.message ?? 'It is running.', 'Running');
    case 'Succeeded':
      return healthy('It completed.');
    case 'Failed':
      return assessFailed(fields);
    default:
      return verdict('Unknown', `Its phase is ${phase}.`);
  }
}

function assessPending(fields: Fields, object: unknown, context: HealthContext, stuck: Stuck | undefined): Health {
  const scheduled = fields.condition('PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    const age = ageOf(object, context.now ?? new Date());
    const message = `No node takes it: ${scheduled.message}`;
    return age === undefined || age >= SCHEDULE_WINDOW_MS
      ? degraded(message, 'Unschedulable')
      : progressing(message, 'Unschedulable');
  }
  return progressing(stuck?.message ?? 'Its containers have not started yet.', stuck?.reason ?? 'Pending');
}

function assessRunning(fields: Fields): Health {
  if (fields.condition('Ready')?.status === 'True') return healthy('It is ready.');
  for (const container of fields.records('status.containerStatuses')) {
    if (!container.has('lastState.terminated')) continue;
    const exit = container.count('lastState.terminated.exitCode', 0);
    const reason = container.text('lastState.terminated.reason');
    return degraded(
      `Container ${container.text('name')} was restarted and is not ready; it ended with exit code ${exit} (${reason || 'no reason given'}).`,
      'ContainerRestarted',
    );
  }
  return progressing('Its containers run, but it is not ready.', 'NotReady');
}

function assessFailed(fields: Fields): Health {
  const reason = fields.text('status.reason') || 'PodFailed';
  const message = fields.text('status.message');
  if (message !== '') return degraded(message, reason);
  for (const container of allContainers(fields)) {
    const ended = endOf(container);
    if (ended !== undefined) return degraded(ended, reason);
  }
  return degraded('It failed.', reason);
}

function endOf(container: Fields): string | undefined {
  const name = container.text('name');
  const exit = container.count('state.terminated.exitCode', 0);
  if (exit === 0) return undefined;
  const reason = container.text('state.terminated.reason');
  const message = container.text('state.terminated.message');
  const detail = [reason, message].filter((part) => part !== '').join(': ');
  return `Container ${name} ended with exit code ${exit}${detail === '' ? '' : ` (${detail})`}.`;
}

interface Stuck {
  readonly reason: string;
  readonly message: string;
}

function waitingContainer(fields: Fields): Stuck | undefined {
  for (const container of allContainers(fields)) {
    const reason = container.text('state.waiting.reason');
    if (!isFailureToStart(reason)) continue;
    const message = container.text('state.waiting.message');
    const detail = message === '' ? '' : `: ${message}`;
    return { reason, message: `Container ${container.text('name')} is waiting: ${reason}${detail}` };
  }
  return undefined;
}

/**
 * Reasons of a waiting container that mean trouble: the engine's pattern (Err..., ...Error, ...BackOff), and the kubelet's
 * InvalidImageName, which the pattern misses.
 */
export function isFailureToStart(reason: string): boolean {
  return (
    reason.startsWith('Err') || reason.endsWith('Error') || reason.endsWith('BackOff') || reason === 'InvalidImageName'
  );
}

function allContainers(fields: Fields): readonly Fields[] {
  return [...fields.records('status.initContainerStatuses'), ...fields.records('status.containerStatuses')];
}

/** A Pod's container statuses, init containers first, as plain JSON; entries of another shape are left out. */
export function containerStatuses(pod: unknown): readonly Readonly<Record<string, unknown>>[] {
  return ['status.initContainerStatuses', 'status.containerStatuses'].flatMap((path) => {
    const list = valueAt(pod, path);
    return Array.isArray(list) ? list.filter(isRecord) : [];
  });
}
