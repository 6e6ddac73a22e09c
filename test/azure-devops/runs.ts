/** What is left of runs: timelines of builds, approvals of their stages, approvals of classic releases. */
import type { RestAnswer } from './rest.ts';
import type { State } from './server.ts';
import { ServiceError } from './service-error.ts';

export function answerRun(
  state: State,
  operation: string,
  path: Readonly<Record<string, string>>,
  query: URLSearchParams,
): RestAnswer | undefined {
  if (operation === 'Timeline_Get') return { status: 200, body: timeline(state, path) };
  if (operation === 'Approvals_Query') return { status: 200, body: list(approvals(state, query)) };
  if (operation === 'Approvals_List') return { status: 200, body: list(releaseApprovals(state, query)) };
  return undefined;
}

function timeline(state: State, path: Readonly<Record<string, string>>): unknown {
  const buildId = Number(path['buildId']);
  const found = state.timelines.find((one) => one.buildId === buildId && one.timelineId === path['timelineId']);
  if (found === undefined) {
    throw new ServiceError(404, `The requested build ${buildId} could not be found.`, 'BuildNotFoundException');
  }
  return { id: found.timelineId ?? '96ac2280-8cb4-5df5-99de-dd2da759617d', changeId: 1, records: found.records };
}

/** Steps are answered only when they are asked for. */
function approvals(state: State, query: URLSearchParams): unknown[] {
  const ids = query.get('approvalIds')?.split(',') ?? [];
  return state.approvals
    .filter(({ id }) => ids.includes(id))
    .map((one) => (query.get('$expand') === 'steps' ? one : { ...one, steps: [] }));
}

/** Pending ones unless another status is asked for, says the specification. */
function releaseApprovals(state: State, query: URLSearchParams): unknown[] {
  const status = query.get('statusFilter') ?? 'pending';
  const type = query.get('typeFilter') ?? 'preDeploy';
  const releases = query.get('releaseIdsFilter')?.split(',') ?? [];
  return state.releaseApprovals.filter(
    (one) =>
      one['status'] === status &&
      one['approvalType'] === type &&
      releases.includes(String((one['release'] as { id?: number } | undefined)?.id)),
  );
}

function list(value: readonly unknown[]): unknown {
  return { count: value.length, value };
}
