import { StringDecoder } from 'node:string_decoder';
import type { Dispatcher } from 'undici';
import { CancelledError, UnreachableError } from '../../errors.ts';
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
    if (signal.aborted) return;
    if (error instanceof KubernetesError) throw error;
    throw new UnreachableError('The connection of a watch broke off.', { cause: error });
  } finally {
    body.destroy();
  }
}

async function* lines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.write(chunk);
    const parts = rest.split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part.trim() !== '') yield part;
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
