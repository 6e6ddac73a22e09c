import { setTimeout as delay } from 'node:timers/promises';
import { Agent, type Dispatcher } from 'undici';

/** What the API server answered. `body` is parsed JSON, or text where it is none. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** A Kubernetes object as JSON; tests read it without types. */
export interface KubernetesJson {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

export interface WaitOptions {
  /** Default: 30 seconds. */
  readonly withinMs?: number;
}

/**
 * A second, independent way to look at a cluster and to prepare it, for tests: paths are the API's own, e.g.
 * `/api/v1/namespaces/default/pods`. It shares nothing with lib/ports/kubernetes, so neither hides the other's mistakes.
 */
export class ClusterClient {
  readonly #server: string;
  readonly #token: string;
  readonly #agent: Agent;

  constructor(server: string, ca: string, token: string) {
    this.#server = server;
    this.#token = token;
    // A test process must be able to end while connections are kept for reuse.
    this.#agent = new Agent({ connect: { ca }, keepAliveTimeout: 1000, keepAliveMaxTimeout: 1000 });
  }

  /** One request; any status is an answer. Throws only when none came. */
  async request(
    method: Dispatcher.HttpMethod,
    path: string,
    body?: unknown,
    contentType = 'application/json',
  ): Promise<Answer> {
    const answer = await this.#agent.request({
      origin: this.#server,
      path,
      method,
      headers: { authorization: `Bearer ${this.#token}`, accept: 'application/json', 'content-type': contentType },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.body.text();
    try {
      return { status: answer.statusCode, body: JSON.parse(text) };
    } catch {
      return { status: answer.statusCode, body: text };
    }
  }

  /** The object or list at a path. Throws on any status but 2xx. */
  async get(path: string): Promise<KubernetesJson> {
    return (await this.#expect('GET', path)).body as KubernetesJson;
  }

  /** The object at a path, or undefined when there is none. */
  async find(path: string): Promise<KubernetesJson | undefined> {
    const answer = await this.request('GET', path);
    if (answer.status === 404) return undefined;
    return good('GET', path, answer).body as KubernetesJson;
  }

  async list(path: string): Promise<readonly KubernetesJson[]> {
    return ((await this.get(path)) as { items: KubernetesJson[] }).items;
  }

  /** POST to a collection. */
  async create(path: string, object: KubernetesJson): Promise<KubernetesJson> {
    return (await this.#expect('POST', path, object)).body as KubernetesJson;
  }

  /** Server-side apply to an object's own path. */
  async apply(path: string, object: KubernetesJson, fieldManager = 'test', force = true): Promise<KubernetesJson> {
    const query = `?fieldManager=${encodeURIComponent(fieldManager)}&force=${force}`;
    const answer = await this.request('PATCH', path + query, object, 'application/apply-patch+yaml');
    return good('PATCH', path, answer).body as KubernetesJson;
  }

  /** JSON merge patch. */
  async patch(path: string, change: unknown): Promise<KubernetesJson> {
    const answer = await this.request('PATCH', path, change, 'application/merge-patch+json');
    return good('PATCH', path, answer).body as KubernetesJson;
  }

  /** Asks for deletion; whether it has ended is another question. Nothing to delete is fine. */
  async delete(path: string): Promise<void> {
    const answer = await this.request('DELETE', path);
    if (answer.status !== 404) good('DELETE', path, answer);
  }

  /** Text of a container's log. Throws on any status but 2xx. */
  async log(namespace: string, pod: string, query = ''): Promise<string> {
    const answer = await this.#expect('GET', `/api/v1/namespaces/${namespace}/pods/${pod}/log${query}`);
    return typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
  }

  /**
   * Reads a path again and again until there is something of which `wanted` is true. Throws after the time with what was
   * there last.
   */
  async waitFor(
    path: string,
    wanted: (seen: KubernetesJson) => boolean,
    options: WaitOptions = {},
  ): Promise<KubernetesJson> {
    let last: KubernetesJson | undefined;
    const done = async () => {
      last = await this.find(path);
      return last !== undefined && wanted(last);
    };
    await this.#until(done, () => `${path} did not become what is waited for. ${describe(last)}`, options);
    return last as unknown as KubernetesJson;
  }

  /** Waits until there is nothing at a path. */
  async waitUntilGone(path: string, options: WaitOptions = {}): Promise<void> {
    let last: KubernetesJson | undefined;
    const done = async () => {
      last = await this.find(path);
      return last === undefined;
    };
    await this.#until(done, () => `${path} is still there. ${describe(last)}`, options);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #until(done: () => Promise<boolean>, complaint: () => string, options: WaitOptions): Promise<void> {
    const end = Date.now() + (options.withinMs ?? 30_000);
    while (!(await done())) {
      if (Date.now() > end) throw new Error(complaint());
      await delay(50);
    }
  }

  async #expect(method: Dispatcher.HttpMethod, path: string, body?: unknown): Promise<Answer> {
    return good(method, path, await this.request(method, path, body));
  }
}

function describe(seen: KubernetesJson | undefined): string {
  return `Last seen: ${JSON.stringify(seen?.['status'] ?? seen, undefined, 1)}`;
}

function good(method: string, path: string, answer: Answer): Answer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  const told = (answer.body as { message?: string } | null)?.message ?? JSON.stringify(answer.body);
  throw new Error(`${method} ${path}: ${answer.status} ${told}`);
}

/** Whether an object's `status.conditions` has this type with status True. */
export function hasCondition(object: KubernetesJson | undefined, type: string, status = 'True'): boolean {
  const conditions = (object?.['status'] as { conditions?: { type: string; status: string }[] } | undefined)
    ?.conditions;
  return conditions?.some((one) => one.type === type && one.status === status) ?? false;
}
