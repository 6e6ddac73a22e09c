import { assessHealth } from '../../core/objects/health.ts';
import type { KubernetesObject } from '../../core/objects/kubernetes-object.ts';
import { GitOpsError, messageOf } from '../../errors.ts';
import type { Json, KubernetesClient } from '../../ports/kubernetes/kubernetes-client.ts';
import { statusOf } from '../../ports/kubernetes/kubernetes-error.ts';
import { type Observation, observe, type Sink } from './observe.ts';
import { textAt } from './owned-pods.ts';
import { planScopes, type Scope, scopeOfOne } from './scopes.ts';
import type { Tracked } from './tracked.ts';
import { judgeVanishedJob, removesItself } from './vanished-job.ts';

/** Keeps what is known of the targets' live state up to date. */
export interface LiveView {
  /** The cluster does not answer for this target now; what is known of it is old. */
  isLost(tracked: Tracked, now: number): boolean;
}

export interface LiveViewOptions {
  readonly client: KubernetesClient;
  readonly tracked: readonly Tracked[];
  readonly labelSelector?: string;
  readonly observation: Observation;
  readonly changed: () => void;
  readonly note: (message: string) => void;
  /** Called with what is a bug. */
  readonly broken: (error: unknown) => void;
}

/** A LIST without an answer for so long is a lost connection: the client tries it again by itself meanwhile. */
const UNANSWERED_MS = 10_000;
const POLL_MS = 2_000;

interface Connection {
  askedAt: number | undefined;
  lost: boolean;
}

export function createLiveView(options: LiveViewOptions): LiveView {
  const view = new View(options);
  for (const scope of planScopes(
    options.tracked.map(({ target }) => target),
    options.labelSelector,
  )) {
    view.open(scope);
  }
  return view;
}

class View implements LiveView {
  readonly #options: LiveViewOptions;
  readonly #connections = new Map<Tracked, Connection>();
  /** Counts sightings, so that an answer that was overtaken by an event is not believed. */
  readonly #sightings = new Map<Tracked, number>();
  readonly #alone = new Set<Tracked>();

  constructor(options: LiveViewOptions) {
    this.#options = options;
  }

  isLost(tracked: Tracked, now: number): boolean {
    const connection = this.#connections.get(tracked);
    if (connection === undefined || connection.lost) return connection?.lost ?? false;
    if (connection.askedAt === undefined) return false;
    return !tracked.answered || now - connection.askedAt >= UNANSWERED_MS;
  }

  open(scope: Scope): void {
    const { client, observation, broken } = this.#options;
    const tracked = this.#options.tracked.filter((candidate) => isIn(candidate, scope));
    observe(client, scope, this.#sinkFor(scope, tracked), observation).catch(broken);
  }

  #sinkFor(scope: Scope, tracked: readonly Tracked[]): Sink {
    const { observation, changed, note } = this.#options;
    const byName = new Map(tracked.map((candidate) => [placeOf(candidate.target.id), candidate]));
    const find = (object: Json): Tracked | undefined => byName.get(placeOfObject(object));
    const connection: Connection = { askedAt: undefined, lost: false };
    for (const candidate of tracked) this.#connections.set(candidate, connection);
    return {
      asked: () => {
        connection.askedAt ??= observation.clock.now();
      },
      replaced: (items) => {
        connection.askedAt = undefined;
        connection.lost = false;
        const present = new Map(items.map((item) => [placeOfObject(item), item]));
        for (const [place, candidate] of byName) {
          const item = present.get(place);
          if (item !== undefined) this.#see(candidate, item);
          else this.#confirmGone(candidate, scope);
        }
        changed();
      },
      changed: (object) => {
        const candidate = find(object);
        if (candidate !== undefined) this.#see(candidate, object);
        changed();
      },
      deleted: (object) => {
        const candidate = find(object);
        if (candidate === undefined) return;
        this.#see(candidate, object);
        this.#confirmGone(candidate, scope);
        changed();
      },
      lost: () => {
        connection.lost = true;
        changed();
      },
      forbidden: (message) => {
        connection.askedAt = undefined;
        this.#narrow(scope, tracked, message);
      },
      note,
    };
  }

  #see(tracked: Tracked, object: Json): void {
    this.#sightings.set(tracked, (this.#sightings.get(tracked) ?? 0) + 1);
    tracked.live = object;
    tracked.answered = true;
    tracked.gone = false;
  }

  /** What may not be listed at large may be listed in its namespace, or by name, or at least be read by name. */
  #narrow(scope: Scope, tracked: readonly Tracked[], message: string): void {
    if (scope.narrower !== undefined) {
      for (const narrower of scope.narrower) this.open(narrower);
    } else if (scope.fieldSelector === undefined) {
      for (const { target } of tracked) this.open(scopeOfOne(target));
    } else {
      this.#options.note(`Not permitted to list ${scope.resource.plural}, so they are read one by one: ${message}`);
      for (const candidate of tracked) this.#poll(candidate).catch(this.#options.broken);
    }
  }

  async #poll(tracked: Tracked): Promise<void> {
    const { client, observation, changed } = this.#options;
    const { resource, id } = tracked.target;
    const connection: Connection = { askedAt: undefined, lost: false };
    this.#connections.set(tracked, connection);
    while (!observation.signal.aborted && tracked.unreadable === undefined) {
      connection.askedAt = observation.clock.now();
      try {
        const object = await client.get(resource, id.namespace, id.name);
        connection.lost = false;
        if (object === undefined) await this.#vanish(tracked);
        else this.#see(tracked, object);
      } catch (error) {
        if (!(error instanceof GitOpsError)) throw error;
        connection.lost = statusOf(error) !== 403;
        if (statusOf(error) === 403) tracked.unreadable = `Its health cannot be read: ${messageOf(error)}`;
      }
      connection.askedAt = undefined;
      changed();
      await observation.clock.sleep(POLL_MS, observation.signal);
    }
  }

  #confirmGone(tracked: Tracked, scope: Scope): void {
    const sighting = this.#sightings.get(tracked) ?? 0;
    this.#lookAgain(tracked, scope, sighting).catch(this.#options.broken);
  }

  /** A LIST by label does not see an object whose label somebody removed; only a GET says that it is gone. */
  async #lookAgain(tracked: Tracked, scope: Scope, sighting: number): Promise<void> {
    const { client, observation, changed } = this.#options;
    const { resource, id } = tracked.target;
    while (!observation.signal.aborted && (this.#sightings.get(tracked) ?? 0) === sighting) {
      try {
        const object = await client.get(resource, id.namespace, id.name);
        if ((this.#sightings.get(tracked) ?? 0) !== sighting) return;
        if (object === undefined) {
          await this.#vanish(tracked);
        } else {
          this.#see(tracked, object);
          if (scope.fieldSelector === undefined) this.#followAlone(tracked);
        }
        changed();
        return;
      } catch (error) {
        if (!(error instanceof GitOpsError)) throw error;
        if (statusOf(error) === 403) {
          await this.#vanish(tracked);
          changed();
          return;
        }
        await observation.clock.sleep(POLL_MS, observation.signal);
      }
    }
  }

  #followAlone(tracked: Tracked): void {
    if (this.#alone.has(tracked)) return;
    this.#alone.add(tracked);
    this.open(scopeOfOne(tracked.target));
  }

  /** A Job that ended may be removed for that reason. */
  async #vanish(tracked: Tracked): Promise<void> {
    const { id } = tracked.target;
    const { live } = tracked;
    tracked.answered = true;
    if (live === undefined || id.group !== 'batch' || id.kind !== 'Job') {
      tracked.gone = true;
      return;
    }
    const { metadata, ...rest } = live;
    const last = assessHealth({ ...rest, metadata: { ...metadata, deletionTimestamp: undefined } } as KubernetesObject);
    if (last.status === 'Healthy' || last.status === 'Degraded') tracked.fixed ??= last;
    else if (removesItself(id, live)) tracked.fixed ??= await judgeVanishedJob(this.#options.client, id, live);
    else tracked.gone = true;
  }
}

function isIn({ target }: Tracked, scope: Scope): boolean {
  const { resource, id } = target;
  return (
    resource.plural === scope.resource.plural &&
    resource.group === scope.resource.group &&
    resource.version === scope.resource.version &&
    (scope.namespace === '' || scope.namespace === id.namespace) &&
    (scope.fieldSelector === undefined || scope.fieldSelector === scopeOfOne(target).fieldSelector)
  );
}

function placeOf(id: { readonly namespace: string; readonly name: string }): string {
  return `${id.namespace}/${id.name}`;
}

function placeOfObject(object: Json): string {
  return `${textAt(object, 'metadata.namespace')}/${textAt(object, 'metadata.name')}`;
}
