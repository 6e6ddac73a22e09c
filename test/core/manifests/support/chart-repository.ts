import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface ServedArchive {
  readonly name: string;
  readonly version: string;
  readonly archive: Uint8Array;
}

export interface ChartServer {
  /** `127.0.0.1:port` */
  readonly host: string;
  /** Method, path and user of every request. */
  readonly requests: { readonly method: string; readonly path: string; readonly user: string | undefined }[];
  close(): Promise<void>;
}

export type Answer = (path: string, response: ServerResponse, request: IncomingMessage) => void;

/** A server on loopback that answers by `answer`, and with 401 to whoever does not know the credentials, if there are any. */
export async function serve(answer: Answer, credentials?: Credentials): Promise<ChartServer> {
  const requests: ChartServer['requests'] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const [user, password] = basicAuth(request);
    requests.push({ method: request.method ?? '', path, user });
    if (credentials !== undefined && (user !== credentials.username || password !== credentials.password)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="charts"' }).end();
      return;
    }
    answer(path, response, request);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: async () => await closeServer(server),
  };
}

/** A chart repository: `index.yaml` and archives. */
export async function chartRepository(
  charts: readonly ServedArchive[],
  credentials?: Credentials,
): Promise<ChartServer> {
  return await serve((path, response) => {
    const chart = charts.find(({ name, version }) => path === `/${name}-${version}.tgz`);
    if (path === '/index.yaml') response.writeHead(200).end(indexOf(charts));
    else if (chart !== undefined) response.writeHead(200).end(chart.archive);
    else response.writeHead(404).end();
  }, credentials);
}

function indexOf(charts: readonly ServedArchive[]): string {
  const entries = Object.fromEntries(
    charts.map(({ name, version }) => [name, [{ apiVersion: 'v2', name, version, urls: [`${name}-${version}.tgz`] }]]),
  );
  return JSON.stringify({ apiVersion: 'v1', entries });
}

function basicAuth(request: IncomingMessage): [string | undefined, string | undefined] {
  const [scheme, encoded] = (request.headers.authorization ?? '').split(' ');
  if (scheme !== 'Basic' || encoded === undefined) return [undefined, undefined];
  const [user, ...password] = Buffer.from(encoded, 'base64').toString().split(':');
  return [user, password.join(':')];
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
