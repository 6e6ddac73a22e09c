import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, Agent as HttpsAgent, request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster } from '../cluster/index.ts';
import { writeKubeconfig } from '../cluster/users.ts';
import { createAuthority } from '../ports/network/certificates.ts';

/** A request on its way to the API server. */
export interface Proxied {
  /** Counts from 1 since the proxy was started, or `reset`. */
  readonly number: number;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** It changes objects: no read, dry run or access review. */
  readonly isWrite: boolean;
}

/** What goes wrong with one request. */
export type Fault =
  /** The API server does not see it; this is the answer. */
  | { readonly status: number; readonly retryAfterSeconds?: number; readonly message?: string }
  /** It is forwarded so many milliseconds later. */
  | { readonly delayMs: number }
  /** The connection ends before it is forwarded, after it was done, or in the middle of the answer. */
  | { readonly cut: 'before' | 'after' | 'midway' }
  /** Done between the API server's answer and its way back, e.g. to kill the client. Then the connection ends. */
  | { readonly afterwards: () => unknown };

export interface FaultProxy {
  readonly url: string;
  readonly requests: readonly Proxied[];
  /** Asked for each request; undefined lets it pass. May wait, and may do something first, e.g. kill the client. */
  fault: (seen: Proxied) => Fault | undefined | Promise<Fault | undefined>;
  /** Forgets faults and requests. */
  reset(): void;
  /** Breaks all connections, refuses new ones for so long, and then serves again at the same address: a server that is restarted. */
  restart(awayMs: number): Promise<void>;
  /** A kubeconfig by which the administrator, or the user of this token, comes through the proxy. */
  kubeconfig(folder: string, token?: string): string;
  close(): Promise<void>;
}

/** An https server before the API server of a cluster: it forwards everything, counts, and makes go wrong what a test wants. */
export async function startFaultProxy(cluster: Pick<Cluster, 'server' | 'ca' | 'token'>): Promise<FaultProxy> {
  const authority = createAuthority('Fault proxy');
  const { cert, key } = authority.issue('fault-proxy', ['127.0.0.1']);
  const upstream = new HttpsAgent({ ca: cluster.ca, keepAlive: true });
  const sockets = new Set<Socket>();
  const requests: Proxied[] = [];
  let files = 0;

  const server = createServer({ cert, key }, (incoming, outgoing) => {
    void handle(incoming, outgoing).catch(() => incoming.socket.destroy());
  });
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const seen: Proxied = {
      number: requests.length + 1,
      method: incoming.method ?? '',
      url: incoming.url ?? '',
      isWrite: isWrite(incoming.method ?? '', incoming.url ?? ''),
    };
    requests.push(seen);
    const body = await readAll(incoming);
    const fault = await proxy.fault(seen);
    if (fault !== undefined && 'cut' in fault && fault.cut === 'before') {
      incoming.socket.destroy();
      return;
    }
    if (fault !== undefined && 'status' in fault) {
      refuse(outgoing, fault);
      return;
    }
    if (fault !== undefined && 'delayMs' in fault) await delay(fault.delayMs, undefined, { ref: false });
    const answer = await forward(incoming, outgoing, body);
    if (fault === undefined || 'delayMs' in fault) {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      await pipeline(answer, outgoing);
      return;
    }
    const bytes = await readAll(answer);
    if ('afterwards' in fault) await fault.afterwards();
    if ('cut' in fault && fault.cut === 'midway') {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      await new Promise((resolve) => outgoing.write(bytes.subarray(0, Math.floor(bytes.length / 2)), resolve));
    }
    incoming.socket.destroy();
  }

  async function forward(incoming: IncomingMessage, outgoing: ServerResponse, body: Buffer): Promise<IncomingMessage> {
    const sent = request(new URL(incoming.url ?? '/', cluster.server), {
      agent: upstream,
      method: incoming.method,
      headers: { ...incoming.headers, host: new URL(cluster.server).host },
    });
    // A client that is gone wants no watch any more.
    outgoing.on('close', () => {
      if (!outgoing.writableFinished) sent.destroy();
    });
    sent.end(body);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    return answer;
  }

  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const breakOff = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  const port = await listen(0);
  const url = `https://127.0.0.1:${port}`;

  const proxy: FaultProxy = {
    url,
    requests,
    fault: () => undefined,
    reset: () => {
      proxy.fault = () => undefined;
      requests.length = 0;
    },
    restart: async (awayMs) => {
      await breakOff();
      await delay(awayMs);
      await listen(port);
    },
    kubeconfig: (folder, token = cluster.token) => {
      files += 1;
      const path = join(folder, `proxied-${port}-${files}.kubeconfig`);
      writeKubeconfig(path, { cluster: 'proxied', server: url, ca: authority.cert, user: 'proxied', token });
      return path;
    },
    close: async () => {
      await breakOff();
      upstream.destroy();
    },
  };
  return proxy;
}

function isWrite(method: string, url: string): boolean {
  return method !== 'GET' && !/[?&]dryRun=|\/(selfsubject|tokenreview|subjectaccess)/.test(url);
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** As an API server refuses: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
function refuse(outgoing: ServerResponse, fault: Extract<Fault, { status: number }>): void {
  const { status, retryAfterSeconds, message = `The fault proxy says ${status}` } = fault;
  outgoing.writeHead(status, {
    'content-type': 'application/json',
    ...(retryAfterSeconds !== undefined && { 'retry-after': String(retryAfterSeconds) }),
  });
  outgoing.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code: status }));
}
