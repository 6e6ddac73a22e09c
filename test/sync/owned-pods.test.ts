import assert from 'node:assert/strict';
import type { Json } from '../../lib/ports/kubernetes/kubernetes-client.ts';
import { allPods, nameOf, newestPods, newestReplicaSet } from '../../lib/sync/health-wait/owned-pods.ts';

function object(kind: string, name: string, owner?: string, more: Json = {}): Json {
  return {
    kind,
    ...more,
    metadata: {
      name,
      uid: name,
      ...(owner === undefined ? {} : { ownerReferences: [{ uid: owner }] }),
      ...more['metadata'],
    },
  };
}

const revision = (value: string, creationTimestamp = ''): Json => ({
  metadata: { annotations: { 'deployment.kubernetes.io/revision': value }, creationTimestamp },
});
const hash = (value: string, creationTimestamp = ''): Json => ({
  metadata: { labels: { 'controller-revision-hash': value }, creationTimestamp },
});
const names = (pods: readonly Json[]): string[] => pods.map(nameOf);

describe('the Pods that a rollout is about', () => {
  it('of a Deployment are those of the ReplicaSet that has its revision', () => {
    const web = object('Deployment', 'web', undefined, revision('2'));
    const replicaSets = [
      object('ReplicaSet', 'web-1', 'web', revision('1')),
      object('ReplicaSet', 'web-2', 'web', revision('2')),
      // Of the rollout that comes next: the Deployment that was read is older.
      object('ReplicaSet', 'web-3', 'web', revision('3')),
      object('ReplicaSet', 'api-2', 'api', revision('2')),
    ];
    const pods = ['web-1', 'web-2', 'web-3', 'api-2'].map((owner) => object('Pod', `${owner}-x`, owner));
    assert.deepEqual(names(newestPods(web, { replicaSets, pods })), ['web-2-x']);
    assert.deepEqual(names(allPods(web, { replicaSets, pods })), ['web-1-x', 'web-2-x', 'web-3-x']);
  });

  it('of a Deployment without a revision are those of the ReplicaSet with the highest, as a number, or made last', () => {
    const web = object('Deployment', 'web');
    const nine = object('ReplicaSet', 'web-9', 'web', revision('9'));
    const ten = object('ReplicaSet', 'web-10', 'web', revision('10'));
    assert.equal(newestReplicaSet(web, [nine, ten]), ten);
    const old = object('ReplicaSet', 'web-a', 'web', revision('', '2030-01-01T00:00:00Z'));
    const young = object('ReplicaSet', 'web-b', 'web', revision('', '2030-01-01T00:00:01Z'));
    assert.equal(newestReplicaSet(web, [old, young]), young);
  });

  it('of a StatefulSet are those of its update revision', () => {
    const db = object('StatefulSet', 'db', undefined, { status: { updateRevision: 'b' } });
    const pods = [object('Pod', 'db-0', 'db', hash('a')), object('Pod', 'db-1', 'db', hash('b'))];
    assert.deepEqual(names(newestPods(db, { replicaSets: [], pods })), ['db-1']);
  });

  it('of a DaemonSet are those of the revision of the Pod that was made last', () => {
    const agent = object('DaemonSet', 'agent');
    const pods = [
      object('Pod', 'agent-b', 'agent', hash('new', '2030-01-01T00:00:02Z')),
      object('Pod', 'agent-a', 'agent', hash('old', '2030-01-01T00:00:01Z')),
      object('Pod', 'agent-c', 'agent', hash('new', '2030-01-01T00:00:01Z')),
    ];
    assert.deepEqual(names(newestPods(agent, { replicaSets: [], pods })), ['agent-b', 'agent-c']);
  });

  it('are not those that are being deleted', () => {
    const job = object('Job', 'job');
    const pods = [object('Pod', 'a', 'job'), object('Pod', 'b', 'job', { metadata: { deletionTimestamp: 'now' } })];
    assert.deepEqual(names(newestPods(job, { replicaSets: [], pods })), ['a']);
  });
});
