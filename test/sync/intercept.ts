import type { ApiResource } from '../../lib/ports/kubernetes/discovery.ts';
import type { KubernetesClient } from '../../lib/ports/kubernetes/kubernetes-client.ts';

/** One request that changes something in the cluster; dry runs and reads are none. */
export interface Write {
  readonly verb: 'apply' | 'create' | 'delete' | 'jsonPatch' | 'mergePatch' | 'replace';
  readonly kind: string;
  readonly name: string;
  /** Counts from 1 over the life of the interceptor. */
  readonly number: number;
}

export interface Interceptor {
  /** Before the request is sent; what it throws is what the caller gets, and nothing is sent. */
  readonly before?: (write: Write) => void | Promise<void>;
  /** After the server answered; what it throws is what the caller gets, and the answer is lost. */
  readonly after?: (write: Write) => void | Promise<void>;
}

const writes: ReadonlySet<string> = new Set(['apply', 'create', 'delete', 'jsonPatch', 'mergePatch', 'replace']);

/** A wrapper for clients that looks at every write, over all the clients that it wraps. */
export function intercept(interceptor: Interceptor): (client: KubernetesClient) => KubernetesClient {
  let count = 0;
  return (client) =>
    new Proxy(client, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        if (typeof property !== 'string' || !writes.has(property)) return value.bind(target);
        return async (resource: ApiResource, namespace: string, third: unknown, ...rest: unknown[]) => {
          const options = rest.at(-1) as { dryRun?: boolean } | undefined;
          if (options?.dryRun === true) return value.call(target, resource, namespace, third, ...rest);
          count += 1;
          const name = typeof third === 'string' ? third : (third as { metadata: { name: string } }).metadata.name;
          const write: Write = { verb: property as Write['verb'], kind: resource.kind, name, number: count };
          await interceptor.before?.(write);
          const answer: unknown = await value.call(target, resource, namespace, third, ...rest);
          await interceptor.after?.(write);
          return answer;
        };
      },
    });
}
