import { valueAt, wholeNumber } from '../../core/objects/health/fields.ts';
import type { Json } from '../../ports/kubernetes/kubernetes-client.ts';
import { oneLine } from './foreign-text.ts';
import { textAt } from './owned-pods.ts';

export interface WarningEvent {
  /** `Pod web-1-x`; of several alike the last one. */
  readonly object: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  /** When it was last seen, as the cluster wrote it. */
  readonly at: string;
}

/** An agent's clock and a cluster's differ; what happened shortly before may well belong to what is looked for. */
const CLOCK_DIFFERENCE_MS = 60_000;
const MOST_EVENTS = 10;

/**
 * The warnings about some objects since a time, newest last. What several Pods of one workload say alike, but for their
 * names, is told once with the sum of the counts. The newest ten.
 */
export function collectWarnings(events: readonly Json[], uids: ReadonlySet<string>, since: Date): WarningEvent[] {
  const alike = new Map<string, WarningEvent>();
  const relevant = events
    .filter((event) => textAt(event, 'type') === 'Warning' && uids.has(textAt(event, 'involvedObject.uid')))
    .map(read)
    .filter(({ at }) => !(Date.parse(at) < since.getTime() - CLOCK_DIFFERENCE_MS))
    .sort((a, b) => (Date.parse(a.at) || 0) - (Date.parse(b.at) || 0));
  for (const event of relevant) {
    const [kind = '', name = ''] = event.object.split(' ');
    const key = `${kind} ${event.reason} ${name === '' ? event.message : event.message.replaceAll(name, '*')}`;
    const count = event.count + (alike.get(key)?.count ?? 0);
    // The newest of those alike is the last of the map.
    alike.delete(key);
    alike.set(key, { ...event, count });
  }
  return [...alike.values()].slice(-MOST_EVENTS);
}

function read(event: Json): WarningEvent {
  const at = ['series.lastObservedTime', 'lastTimestamp', 'eventTime', 'firstTimestamp', 'metadata.creationTimestamp']
    .map((path) => textAt(event, path))
    .find((time) => time !== '');
  return {
    object: `${textAt(event, 'involvedObject.kind')} ${textAt(event, 'involvedObject.name')}`,
    reason: textAt(event, 'reason'),
    message: oneLine(textAt(event, 'message')),
    count: wholeNumber(valueAt(event, 'series.count')) ?? wholeNumber(valueAt(event, 'count')) ?? 1,
    at: at ?? '',
  };
}
