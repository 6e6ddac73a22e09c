import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  assessHealth,
  type Health,
  type HealthContext,
  type HealthStatus,
  isHealthyOnceApplied,
  worstHealth,
} from '../../../lib/core/objects/health.ts';
import type { KubernetesObject } from '../../../lib/core/objects/kubernetes-object.ts';

/** One object of ours, what the two original programs say of it, and what we say; `why` where we differ from one of them. */
interface Verdict {
  readonly name: string;
  readonly kstatus: 'Current' | 'InProgress' | 'Failed' | 'Terminating' | 'error';
  readonly engine: HealthStatus | 'none' | 'error';
  readonly expected: HealthStatus;
  readonly why?: string;
  readonly context?: HealthContext;
  readonly bindingMode?: string;
  readonly object: KubernetesObject;
}

const { verdicts } = JSON.parse(readFileSync(new URL('fixtures/health-verdicts.json', import.meta.url), 'utf8')) as {
  verdicts: Verdict[];
};
const NOW = new Date('2999-01-01T00:00:10Z');

function judge(verdict: Verdict): Health {
  return assessHealth(verdict.object, {
    now: NOW,
    ...verdict.context,
    ...(verdict.bindingMode === undefined ? {} : { bindingModeOf: () => verdict.bindingMode }),
  });
}

describe('the health of an object', () => {
  for (const verdict of verdicts) {
    it(`of ${verdict.name} is ${verdict.expected}`, () => {
      const health = judge(verdict);
      assert.equal(health.status, verdict.expected, health.message);
      assert.notEqual(health.message, '');
    });
  }

  it('is that of kstatus and of the engine of Argo CD, or there is a reason why not', () => {
    const inOurWords = {
      Current: 'Healthy',
      InProgress: 'Progressing',
      Failed: 'Degraded',
      Terminating: 'Terminating',
    };
    for (const { name, kstatus, engine, expected, why } of verdicts) {
      const agree =
        kstatus !== 'error' && inOurWords[kstatus] === expected && (engine === 'none' || engine === expected);
      assert.equal(why !== undefined, !agree, name);
    }
  });

  it('covers the statuses that a live object can have', () => {
    const seen = new Set(verdicts.map((verdict) => judge(verdict).status));
    assert.deepEqual([...seen].sort(), ['Degraded', 'Healthy', 'Progressing', 'Suspended', 'Terminating', 'Unknown']);
  });

  it('of no object is Missing', () => {
    assert.equal(assessHealth(undefined).status, 'Missing');
  });

  it('tells what forbids the Pods of a Deployment', () => {
    const health = judge(named('a Deployment whose Pods a quota forbids'));
    assert.match(health.message, /0 of 3 new Pods created\. FailedCreate: exceeded quota/);
    assert.equal(health.reason, 'FailedCreate');
  });

  it('tells old Pods from surplus ones', () => {
    assert.equal(judge(named('a Deployment with old Pods left')).message, 'Old Pods still to be removed: 1.');
    assert.equal(judge(named('a StatefulSet with a surplus Pod')).message, 'Surplus Pods still to be removed: 1.');
  });

  it('tells which container waits and for what', () => {
    const health = judge(named('a Pod that crashes again and again'));
    assert.equal(health.message, 'Container app is waiting: CrashLoopBackOff: back-off 5m0s');
    assert.equal(health.reason, 'CrashLoopBackOff');
  });

  it('tells the finalizers that hold up a deletion', () => {
    const { object } = named('a custom resource that is being deleted');
    const held = { ...object, metadata: { ...object.metadata, finalizers: ['example.com/backup'] } };
    assert.match(assessHealth(held).message, /example\.com\/backup/);
  });

  it('gives a new custom resource 15 s for its first status, counted from its creation', () => {
    const { object } = named('a new custom resource without a status');
    const at = (now: string): HealthStatus => assessHealth(object, { now: new Date(now), crdHasStatus: true }).status;
    assert.equal(at('2999-01-01T00:00:14.999Z'), 'Progressing');
    assert.equal(at('2999-01-01T00:00:15Z'), 'Healthy');
  });

  it('gives the scheduler 15 s', () => {
    const { object } = named('a Pod that no node takes, in its first seconds');
    assert.equal(assessHealth(object, { now: new Date('2999-01-01T00:00:14.999Z') }).status, 'Progressing');
    assert.equal(assessHealth(object, { now: new Date('2999-01-01T00:00:15Z') }).status, 'Degraded');
  });

  it('does not depend on the version of the API', () => {
    const { object } = named('a Deployment with unavailable Pods');
    assert.equal(assessHealth({ ...object, apiVersion: 'apps/v1beta2' }).status, 'Progressing');
  });

  it('does not mistake a custom kind for a built-in one of the same name', () => {
    const { object } = named('a Job that failed');
    assert.equal(assessHealth({ ...object, apiVersion: 'batch.example.com/v1' }).status, 'Healthy');
  });

  it('of a field of the wrong type is Unknown, and the message names the field', () => {
    const { object } = named('a Deployment whose Pods are all new and available');
    const broken = { ...object, spec: { ...(object['spec'] as object), replicas: '3' } };
    const health = assessHealth(broken);
    assert.equal(health.status, 'Unknown');
    assert.match(health.message, /spec\.replicas should be a whole number and is string/);
  });

  it('is judged for any JSON at all without an exception', () => {
    const kinds = fc.constantFrom(
      ...new Map(verdicts.map(({ object }) => [`${object.apiVersion}/${object.kind}`, object])).values(),
    );
    fc.assert(
      fc.property(
        kinds,
        fc.jsonValue(),
        fc.jsonValue(),
        fc.jsonValue(),
        ({ apiVersion, kind }, metadata, spec, status) => {
          const object = { apiVersion, kind, metadata, spec, status } as unknown as KubernetesObject;
          assert.equal(typeof assessHealth(object, { now: NOW, crdHasStatus: true }).message, 'string');
        },
      ),
    );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assessHealth(value as unknown as KubernetesObject);
      }),
    );
  });

  it('of a workload is never Healthy when a part of its status is missing or of a wrong type', () => {
    const workloads = verdicts.filter(
      ({ object, expected }) =>
        expected === 'Healthy' && /^(apps\/v1|batch\/v1\/Job|v1\/Pod)/.test(`${object.apiVersion}/${object.kind}`),
    );
    assert.ok(workloads.length >= 10);
    const wrong = fc.oneof(
      fc.string(),
      fc.boolean(),
      fc.double({ noInteger: true }),
      fc.constant(null),
      fc.array(fc.jsonValue()),
      fc.dictionary(fc.string(), fc.jsonValue()),
    );
    fc.assert(
      fc.property(fc.constantFrom(...workloads), wrong, ({ object }, value) => {
        const health = assessHealth({ ...object, status: value });
        assert.ok(
          ['Progressing', 'Unknown', 'Degraded'].includes(health.status),
          `${health.status}: ${health.message}`,
        );
      }),
    );
  });
});

describe('the worst of several healths', () => {
  const of = (...list: HealthStatus[]): HealthStatus =>
    worstHealth(list.map((status) => ({ status, message: 'm' }))).status;

  it('follows the order of the engine: Healthy, Suspended, Progressing, Missing, Degraded, Unknown', () => {
    assert.equal(of('Healthy', 'Suspended'), 'Suspended');
    assert.equal(of('Progressing', 'Suspended'), 'Progressing');
    assert.equal(of('Progressing', 'Terminating', 'Healthy'), 'Terminating');
    assert.equal(of('Missing', 'Progressing'), 'Missing');
    assert.equal(of('Missing', 'Degraded'), 'Degraded');
    assert.equal(of('Unknown', 'Degraded'), 'Unknown');
  });

  it('is Healthy when there are none', () => {
    assert.equal(of(), 'Healthy');
  });

  it('is the first of equals, whose message is kept', () => {
    assert.equal(
      worstHealth([
        { status: 'Degraded', message: 'a' },
        { status: 'Degraded', message: 'b' },
      ]).message,
      'a',
    );
  });
});

describe('kinds that need no waiting', () => {
  it('are those that no controller has to act on', () => {
    assert.ok(isHealthyOnceApplied({ group: '', kind: 'ConfigMap' }));
    assert.ok(isHealthyOnceApplied({ group: 'rbac.authorization.k8s.io', kind: 'ClusterRole' }));
    assert.ok(!isHealthyOnceApplied({ group: '', kind: 'Service' }));
    assert.ok(!isHealthyOnceApplied({ group: 'example.com', kind: 'ConfigMap' }));
  });
});

function named(name: string): Verdict {
  const verdict = verdicts.find((candidate) => candidate.name === name);
  assert.ok(verdict, name);
  return verdict;
}
