import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { NetworkSettings } from '../../../lib/ports/agent/agent.ts';
import type { ClusterAccess } from '../../../lib/ports/kubernetes/access.ts';
import type { ApiResource } from '../../../lib/ports/kubernetes/discovery.ts';
import { createAuthority } from '../network/certificates.ts';

export const authority = createAuthority('Cluster CA');
export const stranger = createAuthority('Another CA');
export const direct: NetworkSettings = { proxyBypass: [], skipCertValidation: false };

const { cert, key } = authority.issue('kube-apiserver', ['127.0.0.1', 'localhost', 'kubernetes.default']);

export interface Received {
  readonly method: string;
  /** As it came over the wire. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** Common name of the client's certificate. */
  readonly client: string | undefined;
}

export interface StubServer {
  readonly url: string;
  readonly port: number;
  readonly received: Received[];
  /** TLS handshakes that were finished. */
  readonly handshakes: () => number;
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

export type Handler = (request: Received, response: ServerResponse, number: number) => void;

/** An https server in place of an API server: `handle` answers, and everything that came over the wire is kept. */
export async function stubServer(handle: Handler, options: ServerOptions = {}): Promise<StubServer> {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  let handshakes = 0;
  const server = createServer({ cert, key, ...options }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const client = (request.socket as TLSSocket).getPeerCertificate()?.subject?.CN as string | undefined;
      const { method = '', url = '', headers } = request;
      const entry = { method, url, headers, body: Buffer.concat(chunks).toString('utf8'), client };
      received.push(entry);
      handle(entry, response, received.length);
    });
  });
  server.on('secureConnection', () => {
    handshakes += 1;
  });
  server.on('tlsClientError', () => undefined);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    received,
    handshakes: () => handshakes,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export function answer(response: ServerResponse, body: unknown, status = 200, headers: Record<string, string> = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** A `Status`, as an API server refuses. */
export function refuse(response: ServerResponse, code: number, message: string, headers: Record<string, string> = {}) {
  answer(response, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message }, code, headers);
}

export function accessTo(server: { url: string }, changes: Partial<ClusterAccess> = {}): ClusterAccess {
  return {
    server: server.url,
    identity: 'the tester',
    ca: authority.cert,
    skipTlsVerify: false,
    credentials: async () => ({ authorization: 'Bearer test-token' }),
    ...changes,
  };
}

export function resourceOf(apiVersion: string, kind: string, plural: string, namespaced = true): ApiResource {
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
  return { group, version, kind, plural, namespaced, verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'] };
}

export const configMaps = resourceOf('v1', 'ConfigMap', 'configmaps');

/** Closed in the reverse order after each test. */
export function cleanUp() {
  const opened: { close(): Promise<unknown> }[] = [];
  afterEach(async () => {
    for (const resource of opened.splice(0).reverse()) await resource.close();
  });
  return async <T extends { close(): Promise<unknown> }>(what: T | Promise<T>): Promise<T> => {
    const resource = await what;
    opened.push(resource);
    return resource;
  };
}
