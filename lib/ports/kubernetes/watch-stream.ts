import { StringDecoder } from 'node:string_decoder';
import type { Dispatcher } from 'undici';
import { CancelledError, messageOf, UnreachableError } from '../../errors.ts';
import type { ApiResource } from './discovery.ts';
import type { Json, WatchEvent } from './kubernetes-client.ts';
import { KubernetesError } from './kubernetes-error.ts';

/**
 * The events of a watch: one JSON object a line. Ends quietly when the server closes the stream, which it does every few
 * minutes, and when the signal is aborted.
 */
export async function* readWatch(
  open: () => Promise<Dispatcher.ResponseData['body']>,
  resource: ApiResource,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  let body: Dispatcher.ResponseData['body'];
  try {
    body = await open();
  } catch (error) {
    if (error instanceof KubernetesError && error.status === 410) {
      yield { type: 'EXPIRED' };
      return;
    }
    if (signal.aborted || error instanceof CancelledError) return;
    throw error;
  }
  try {
    for await (const line of lines(body)) {
      const event = toEvent(JSON.parse(line) as { type: string; object: Json }, resource);
      yield event;
      if (event.type === 'EXPIRED') return;
    }
  } catch (error) {
    if (signal.aborted || isEndedByUs(error)) return;
    if (error instanceof KubernetesError) throw error;
    throw new UnreachableError(`The watch of ${resource.plural} broke off: ${messageOf(error)}.`, { cause: error });
  } finally {
    body.destroy();
  }
}

/** The whole client was cancelled or closed. */
function isEndedByUs(error: unknown): boolean {
  const { name, code } = error as { name?: unknown; code?: unknown };
  return name === 'AbortError' || code === 'UND_ERR_DESTROYED';
}

/** The lines of a stream of UTF-8, whose chunks end anywhere. What follows the last newline was cut off and is left out. */
export async function* lines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let begun: string[] = [];
  for await (const chunk of body) {
    const parts = decoder.write(chunk).split('\n');
    // Only the new text is searched: an event of megabytes comes in hundreds of chunks.
    begun.push(parts[0] ?? '');
    for (const part of parts.slice(1)) {
      const line = begun.join('');
      begun = [part];
      if (line.trim() !== '') yield line;
    }
  }
}

function toEvent(raw: { type: string; object: Json }, resource: ApiResource): WatchEvent {
  switch (raw.type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type: raw.type, object: raw.object };
    case 'BOOKMARK':
      return { type: 'BOOKMARK', resourceVersion: raw.object['metadata']?.resourceVersion ?? '' };
    default:
      if (raw.object['code'] === 410) return { type: 'EXPIRED' };
      throw new KubernetesError(
        `The watch of ${resource.plural} ended: ${raw.object['message'] ?? raw.type}`,
        raw.object['code'] ?? 500,
      );
  }
}
