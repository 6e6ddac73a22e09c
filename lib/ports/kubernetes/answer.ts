import { setImmediate } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import type { Dispatcher } from 'undici';
import { InputError, UnreachableError } from '../../errors.ts';
import type { Json } from './kubernetes-client.ts';
import { KubernetesError, KubernetesNotPermittedError, type Status } from './kubernetes-error.ts';

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Lists come in pages of 500 objects of at most 1.5 MB each; what is larger unpacked is no answer of an API server. */
const largestAnswer = 450 * 1024 * 1024;

export async function readAnswer(response: Dispatcher.ResponseData): Promise<HttpResponse> {
  const bytes = Buffer.from(await response.body.arrayBuffer());
  // Only then does undici count the connection as free; the next request would open a second one.
  await setImmediate();
  const zipped = response.headers['content-encoding'] === 'gzip';
  const text = (zipped ? gunzipSync(bytes, { maxOutputLength: largestAnswer }) : bytes).toString('utf8');
  return { status: response.statusCode, headers: response.headers, text };
}

/** Where a request went and as whom, for messages. */
export interface Sender {
  readonly server: string;
  readonly identity: string;
  readonly path: string;
}

/** The object of an answer. Throws InputError when another program answered, UnreachableError when the text is broken. */
export function jsonOf(response: HttpResponse, { server, path }: Sender): Json {
  try {
    const value: unknown = JSON.parse(response.text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  } catch (error) {
    // API servers answer in JSON only, so something that begins as such was cut off on its way.
    if (response.text.trimStart().startsWith('{')) {
      throw new UnreachableError(`The answer of ${server} to ${path} is broken: it is no complete JSON.`, {
        cause: error,
      });
    }
  }
  throw notKubernetes(server, `it answered ${path} with ${excerpt(response.text) || 'nothing'}`);
}

/** The error that an answer of 300 and above means. */
export function refusalOf(response: HttpResponse, { server, identity, path }: Sender): Error {
  const status = statusBody(response);
  const said = status?.message ?? `HTTP ${response.status} ${excerpt(response.text)}`.trim();
  if (response.status < 400) {
    return notKubernetes(
      server,
      `it redirects ${path} to ${String(response.headers['location'] ?? 'another address')}`,
    );
  }
  if (response.status === 401) {
    return new KubernetesNotPermittedError(
      `${server} (${identity}) did not accept who we are (401: ${said}). The token or certificate of the connection is wrong, expired or of another cluster.`,
      401,
    );
  }
  if (response.status === 403) return new KubernetesNotPermittedError(`Not permitted by ${server}: ${said}`, 403);
  if (response.status === 404 && status === undefined && !isUnknownPath(response, path)) {
    // Taken for "there is no such object" it would make us create or forget objects.
    return notKubernetes(server, `it answered ${path} with ${said}`);
  }
  if (response.status === 400 && /HTTP request to an HTTPS server/.test(said)) {
    return new InputError(`${server} speaks TLS only: write its address with https://.`);
  }
  return new KubernetesError(said, response.status, status);
}

/** An API server's own words for a group that it does not serve; the roots are served by every one. */
function isUnknownPath(response: HttpResponse, path: string): boolean {
  return response.text.startsWith('404 page not found') && !/^\/(version|apis?)([?]|$)/.test(path);
}

function notKubernetes(server: string, reason: string): InputError {
  return new InputError(
    `${server} is not a Kubernetes API server, or a gateway or login page stands before it: ${reason}. Check the address of the connection.`,
  );
}

function excerpt(text: string): string {
  return text.replace(/\s+/g, ' ').trim().slice(0, 200);
}

function statusBody(response: HttpResponse): Status | undefined {
  try {
    const body = JSON.parse(response.text) as Status | null;
    return body?.kind === 'Status' ? body : undefined;
  } catch {
    return undefined;
  }
}
