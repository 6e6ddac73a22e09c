import { GitOpsError, messageOf } from '../../errors.ts';
import type { Json, KubernetesClient } from '../../ports/kubernetes/kubernetes-client.ts';
import { statusOf } from '../../ports/kubernetes/kubernetes-error.ts';
import type { Clock } from './clock.ts';
import type { Scope } from './scopes.ts';

/** Where what is seen of a scope goes. Objects come with apiVersion and kind. */
export interface Sink {
  /** A LIST was sent and has not been answered. */
  asked(): void;
  /** All there is in the scope now. */
  replaced(items: readonly Json[]): void;
  changed(object: Json): void;
  /** With the last state it had. */
  deleted(object: Json): void;
  /** No answer, or one that says nothing about the objects; it is tried again. */
  lost(message: string): void;
  /** LIST is not permitted: nothing more comes from this scope. */
  forbidden(message: string): void;
  /** Something to tell a person, e.g. that watching is not permitted. */
  note(message: string): void;
}

export interface Observation {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly watches: WatchLimit;
}

/** Every watch holds one of the pool's connections for as long as it lasts; the rest of the run needs some too. */
export interface WatchLimit {
  free: number;
}

/** Where watching is not possible: the pace at which kubectl and Flux poll. */
const POLL_MS = 2_000;
/** After so much silence the connection is asked whether it is still there: a broken one can look like a quiet one. */
const QUIET_MS = 30_000;
const LONGEST_PAUSE_MS = 5_000;

/**
 * LIST, then WATCH from its resourceVersion; a new LIST when the watch expires, ends or breaks off; a LIST every 2 s when
 * watching is not permitted or too much is watched already. Ends with the signal or when LIST is not permitted; throws
 * only what is a bug.
 */
export async function observe(
  client: KubernetesClient,
  scope: Scope,
  sink: Sink,
  observation: Observation,
): Promise<void> {
  const { clock, signal, watches } = observation;
  let failures = 0;
  let mayWatch = true;
  while (!signal.aborted) {
    const listed = await list(client, scope, sink, signal);
    if (listed === 'forbidden') return;
    if (listed === 'lost') {
      failures += 1;
      await clock.sleep(pauseAfter(failures), signal);
      continue;
    }
    failures = 0;
    if (!mayWatch || watches.free < 1) {
      await clock.sleep(POLL_MS, signal);
      continue;
    }
    const started = clock.now();
    watches.free -= 1;
    const ended = await watch(client, scope, listed.resourceVersion, sink, observation);
    watches.free += 1;
    if (ended === 'forbidden') mayWatch = false;
    // A server that ends each watch at once must not be asked without a pause.
    if (ended === 'lost' || clock.now() - started < 1_000) await clock.sleep(pauseAfter(1), signal);
  }
}

async function list(
  client: KubernetesClient,
  scope: Scope,
  sink: Sink,
  signal: AbortSignal,
): Promise<{ readonly resourceVersion: string } | 'forbidden' | 'lost'> {
  sink.asked();
  try {
    const { items, resourceVersion } = await client.list(scope.resource, selection(scope));
    if (!signal.aborted) sink.replaced(items);
    return { resourceVersion };
  } catch (error) {
    if (signal.aborted) return 'lost';
    if (statusOf(error) === 403) {
      sink.forbidden(messageOf(error));
      return 'forbidden';
    }
    if (statusOf(error) === 404) {
      // The kind is not served any more: nothing of it is there, and nothing can be watched.
      sink.replaced([]);
      return 'lost';
    }
    if (!(error instanceof GitOpsError)) throw error;
    sink.lost(messageOf(error));
    return 'lost';
  }
}

async function watch(
  client: KubernetesClient,
  scope: Scope,
  resourceVersion: string,
  sink: Sink,
  { clock, signal }: Observation,
): Promise<'ended' | 'lost' | 'forbidden'> {
  const stream = new AbortController();
  const stop = (): void => stream.abort();
  signal.addEventListener('abort', stop, { once: true });
  let heardAt = clock.now();
  const guard = stopWhenQuiet(() => heardAt, clock, stream);
  try {
    const events = client.watch(scope.resource, { ...selection(scope), resourceVersion, signal: stream.signal });
    for await (const event of events) {
      heardAt = clock.now();
      if (stream.signal.aborted || event.type === 'EXPIRED') break;
      if (event.type === 'BOOKMARK') continue;
      if (event.type === 'DELETED') sink.deleted(event.object);
      else sink.changed(event.object);
    }
    return 'ended';
  } catch (error) {
    if (stream.signal.aborted) return 'ended';
    if (statusOf(error) === 403) {
      sink.note(`Not permitted to watch ${scope.resource.plural}, so they are listed every 2 s: ${messageOf(error)}`);
      return 'forbidden';
    }
    if (!(error instanceof GitOpsError)) throw error;
    sink.lost(messageOf(error));
    return 'lost';
  } finally {
    signal.removeEventListener('abort', stop);
    stream.abort();
    await guard;
  }
}

async function stopWhenQuiet(heardAt: () => number, clock: Clock, stream: AbortController): Promise<void> {
  while (!stream.signal.aborted) {
    const left = heardAt() + QUIET_MS - clock.now();
    if (left <= 0) stream.abort();
    else await clock.sleep(left, stream.signal);
  }
}

function pauseAfter(failures: number): number {
  return Math.min(LONGEST_PAUSE_MS, 500 * 2 ** failures);
}

function selection(scope: Scope): { namespace?: string; labelSelector?: string; fieldSelector?: string } {
  return {
    ...(scope.namespace === '' ? {} : { namespace: scope.namespace }),
    ...(scope.labelSelector === undefined ? {} : { labelSelector: scope.labelSelector }),
    ...(scope.fieldSelector === undefined ? {} : { fieldSelector: scope.fieldSelector }),
  };
}
