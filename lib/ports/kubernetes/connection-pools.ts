import type { Dispatcher } from 'undici';
import type { NetworkSettings } from '../agent/agent.ts';
import { createDispatcher } from '../network/dispatcher.ts';
import type { ClusterAccess, ClusterCredentials } from './access.ts';

interface Pools {
  readonly identity: string;
  readonly requests: Dispatcher;
  streams: Dispatcher | undefined;
}

/** Each watch holds a connection of HTTP/1.1, so in the pool of requests 32 of them would stop everything else. */
const mostStreams = 512;

/** The connections to one cluster. A credential plugin can hand out a new client certificate, which needs new ones. */
export class ConnectionPools {
  readonly #access: ClusterAccess;
  readonly #network: NetworkSettings;
  readonly #headersTimeout: number;
  readonly #open = new Set<Dispatcher>();
  #current: Pools | undefined;

  constructor(access: ClusterAccess, network: NetworkSettings, headersTimeout: number) {
    this.#access = access;
    this.#network = network;
    this.#headersTimeout = headersTimeout;
  }

  of(credentials: ClusterCredentials, stream: boolean): Dispatcher {
    const identity = credentials.cert ?? '';
    if (this.#current?.identity !== identity) {
      // The earlier pool ends its requests; idle connections close by themselves. Agent.close() would put its connections out of
      // reach of a later destroy().
      this.#current = { identity, requests: this.#create(credentials), streams: undefined };
    }
    if (!stream) return this.#current.requests;
    this.#current.streams ??= this.#create(credentials, mostStreams);
    return this.#current.streams;
  }

  /** Ends all connections, also those of earlier certificates that are still in use. */
  async destroy(): Promise<void> {
    const all = [...this.#open];
    this.#open.clear();
    this.#current = undefined;
    await Promise.all(all.map((dispatcher) => dispatcher.destroy()));
  }

  #create(credentials: ClusterCredentials, connections?: number): Dispatcher {
    const access = this.#access;
    const dispatcher = createDispatcher({
      target: access.server,
      network: this.#network,
      tls: {
        insecure: access.skipTlsVerify,
        ...(access.ca !== undefined && { ca: access.ca }),
        ...(access.serverName !== undefined && { servername: access.serverName }),
        ...(credentials.cert !== undefined && { cert: credentials.cert }),
        ...(credentials.key !== undefined && { key: credentials.key }),
      },
      ...(access.proxyUrl !== undefined && { proxyUrl: access.proxyUrl }),
      ...(connections !== undefined && { connections }),
      headersTimeout: this.#headersTimeout,
    });
    this.#open.add(dispatcher);
    return dispatcher;
  }
}
