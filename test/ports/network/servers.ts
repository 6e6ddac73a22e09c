import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';

export interface Running {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts a server on a free port of the loopback and forgets no connection when it is closed. */
async function listen(server: Server): Promise<Running> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export function httpServer(listener: RequestListener): Promise<Running> {
  return listen(createServer(listener));
}

export function httpsServer(options: ServerOptions, listener: RequestListener): Promise<Running> {
  return listen(createTlsServer(options, listener));
}

export interface Proxy extends Running {
  /** `host:port` of each tunnel that was asked for. */
  readonly tunnels: string[];
}

/** A proxy that tunnels. Every host name leads to the loopback, as the names in tests are nobody's. */
export async function connectProxy(credentials?: string, tls?: ServerOptions): Promise<Proxy> {
  const tunnels: string[] = [];
  const server = tls === undefined ? createServer() : createTlsServer(tls);
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => undefined);
    if (credentials !== undefined && request.headers['proxy-authorization'] !== `Basic ${btoa(credentials)}`) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    tunnels.push(request.url ?? '');
    const target = connect(Number((request.url ?? '').split(':').at(-1)), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.pipe(socket);
      socket.pipe(target);
    });
    target.on('error', () => socket.destroy());
    socket.on('close', () => target.destroy());
  });
  return { ...(await listen(server)), tunnels };
}
