import { isRecord, valueAt, wholeNumber } from '../../core/objects/health/fields.ts';
import type { Json } from '../../ports/kubernetes/kubernetes-client.ts';
import { oneLine } from './foreign-text.ts';
import { nameOf, textAt } from './owned-pods.ts';

/** A container that is not as it should be. */
export interface ContainerState {
  readonly pod: string;
  readonly container: string;
  /** Runs before the others. */
  readonly init: boolean;
  readonly state: 'waiting' | 'running' | 'terminated' | 'unknown';
  /** `CrashLoopBackOff`, `OOMKilled`, ... */
  readonly reason: string;
  readonly message: string;
  readonly image: string;
  readonly exitCode?: number;
  readonly restarts: number;
  /** How it ended the last time, when it was started again since. */
  readonly before?: { readonly exitCode: number; readonly reason: string; readonly message: string };
}

/** The containers of a Pod that keep it from being ready or made it fail, in the order in which they are started. */
export function troubledContainers(pod: Json): ContainerState[] {
  const ofList = (path: string, init: boolean): ContainerState[] => {
    const list = valueAt(pod, path);
    if (!Array.isArray(list)) return [];
    return list
      .filter((status) => isRecord(status) && isTroubled(status, init))
      .map((status) => read(pod, status, init));
  };
  return [...ofList('status.initContainerStatuses', true), ...ofList('status.containerStatuses', false)];
}

/** `is waiting: ImagePullBackOff: Back-off pulling image "x"`, to stand after the container's name. */
export function describeState(state: ContainerState): string {
  const restarts =
    state.restarts === 0 ? '' : `, restarted ${state.restarts === 1 ? 'once' : `${state.restarts} times`}`;
  const before = state.before === undefined ? '' : `; it ended before with ${describeEnd(state.before)}`;
  switch (state.state) {
    case 'waiting':
      return `is waiting: ${joined(state.reason, state.message)}${restarts}${before}`;
    case 'terminated':
      return `ended with ${describeEnd({ ...state, exitCode: state.exitCode ?? 0 })}${restarts}`;
    case 'running':
      return `runs and is not ready${restarts}${before}`;
    default:
      return `has not been started${restarts}`;
  }
}

/** It has run, so there may be a log. */
export function hasRun(state: ContainerState): boolean {
  return state.state === 'running' || state.state === 'terminated' || state.restarts > 0 || state.before !== undefined;
}

/** Waiting for other containers, or for being made, is no trouble of its own. */
const ORDINARY_WAITING: ReadonlySet<string> = new Set(['', 'ContainerCreating', 'PodInitializing']);

function isTroubled(status: Readonly<Record<string, unknown>>, init: boolean): boolean {
  const waiting = textAt(status, 'state.waiting.reason');
  if (valueAt(status, 'state.waiting') !== undefined) return !ORDINARY_WAITING.has(waiting);
  const exit = wholeNumber(valueAt(status, 'state.terminated.exitCode'));
  if (exit !== undefined) return exit !== 0;
  // A sidecar is an init container that runs on; one that is still at work is not ready and says so by `started`.
  return (
    valueAt(status, 'state.running') !== undefined && status['ready'] !== true && !(init && status['started'] === true)
  );
}

function read(pod: Json, status: Readonly<Record<string, unknown>>, init: boolean): ContainerState {
  const state = (['waiting', 'running', 'terminated'] as const).find(
    (name) => valueAt(status, `state.${name}`) !== undefined,
  );
  const exitCode = wholeNumber(valueAt(status, 'state.terminated.exitCode'));
  const before = wholeNumber(valueAt(status, 'lastState.terminated.exitCode'));
  return {
    pod: nameOf(pod),
    container: textAt(status, 'name'),
    init,
    state: state ?? 'unknown',
    reason: textAt(status, `state.${state}.reason`),
    message: oneLine(textAt(status, `state.${state}.message`)),
    image: textAt(status, 'image'),
    restarts: wholeNumber(valueAt(status, 'restartCount')) ?? 0,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(before === undefined
      ? {}
      : {
          before: {
            exitCode: before,
            reason: textAt(status, 'lastState.terminated.reason'),
            message: oneLine(textAt(status, 'lastState.terminated.message')),
          },
        }),
  };
}

function describeEnd(end: { readonly exitCode: number; readonly reason: string; readonly message: string }): string {
  const detail = joined(end.reason, end.message);
  return `exit code ${end.exitCode}${detail === '' ? '' : ` (${detail})`}`;
}

function joined(reason: string, message: string): string {
  return [reason, message].filter((part) => part !== '').join(': ');
}
