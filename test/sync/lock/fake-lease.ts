import { CancelledError, UnreachableError } from '../../../lib/errors.ts';
import type { Json } from '../../../lib/ports/kubernetes/kubernetes-client.ts';
import { KubernetesError, KubernetesNotPermittedError } from '../../../lib/ports/kubernetes/kubernetes-error.ts';
import type { LeaseApi } from '../../../lib/sync/lock/lease-api.ts';

export type LeaseVerb = 'read' | 'create' | 'replace' | 'remove';

/** What one run sees of the Lease, and what becomes of its requests. */
export interface LeaseLine extends LeaseApi {
  readonly asked: LeaseVerb[];
  /**
   * `lost` is done but its answer does not arrive, `hang` is never answered, `away` never arrives, `no place` is a namespace that does not
   * exist.
   */
  fault: (verb: LeaseVerb) => 'lost' | 'hang' | 'away' | 'forbidden' | 'no place' | undefined;
}

/** One Lease in memory, guarded by its resourceVersion as an API server guards it. */
export interface FakeLease {
  object: Json | undefined;
  line(fault?: LeaseLine['fault']): LeaseLine;
  /** Somebody else changes the Lease, or makes it. */
  change(spec: Json, metadata?: Json): void;
}

export function createFakeLease(): FakeLease {
  let version = 0;
  const stamped = (lease: Json): Json => {
    version += 1;
    return structuredClone({
      ...lease,
      metadata: { uid: 'u', ...lease['metadata'], resourceVersion: String(version) },
    });
  };
  const refuse = (status: number) => new KubernetesError(`HTTP ${status}`, status);
  const guard = (lease: Json): void => {
    if (fake.object === undefined) throw refuse(404);
    if (lease['metadata'].resourceVersion !== fake.object['metadata'].resourceVersion) throw refuse(409);
  };
  const act: Record<LeaseVerb, (lease: Json) => Json | undefined> = {
    read: () => structuredClone(fake.object),
    create: (lease) => {
      if (fake.object !== undefined) throw refuse(409);
      fake.object = stamped(lease);
      return structuredClone(fake.object);
    },
    replace: (lease) => {
      guard(lease);
      fake.object = stamped(lease);
      return structuredClone(fake.object);
    },
    remove: (lease) => {
      guard(lease);
      fake.object = undefined;
      return undefined;
    },
  };
  const fake: FakeLease = {
    object: undefined,
    change: (spec, metadata = {}) => {
      const before: Json = fake.object ?? { metadata: {}, spec: {} };
      fake.object = stamped({
        ...before,
        metadata: { ...before['metadata'], ...metadata },
        spec: { ...before['spec'], ...spec },
      });
    },
    line: (fault = () => undefined) => {
      const ask = async (verb: LeaseVerb, signal?: AbortSignal, lease: Json = {}): Promise<Json | undefined> => {
        line.asked.push(verb);
        if (line.asked.length > 2000) throw new Error('The code under test asks without end.');
        if (signal?.aborted) throw new CancelledError();
        const what = line.fault(verb);
        if (what === 'away') throw new UnreachableError('No answer from the fake cluster.');
        if (what === 'forbidden') throw new KubernetesNotPermittedError(`${verb} leases is forbidden`, 403);
        if (what === 'no place') throw refuse(404);
        if (what === 'hang') {
          await new Promise((_, reject) => {
            signal?.addEventListener('abort', () => reject(new CancelledError()));
          });
        }
        const answer = act[verb](lease);
        if (what === 'lost') throw new UnreachableError('The answer did not arrive.');
        return answer;
      };
      const written = async (answer: Promise<Json | undefined>) => (await answer) as Json;
      const line: LeaseLine = {
        asked: [],
        fault,
        read: async (signal) => {
          if (line.fault('read') !== 'no place') return ask('read', signal);
          line.asked.push('read');
          return undefined;
        },
        create: (lease, signal) => written(ask('create', signal, lease)),
        replace: (lease, signal) => written(ask('replace', signal, lease)),
        remove: async (lease, signal) => {
          await ask('remove', signal, lease);
        },
      };
      return line;
    },
  };
  return fake;
}
