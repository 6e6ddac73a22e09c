import assert from 'node:assert/strict';
import type { TaskRun } from '../../test/agent/index.ts';
import type { Pipeline } from './pipeline.ts';
import { command } from './stage.ts';

/** A story with an end that is checked. */
export interface Scene {
  readonly title: string;
  readonly story: string;
  /** What it showed, for the summary. */
  readonly lesson: string;
  play(pipeline: Pipeline): Promise<void>;
}

const deployments = '/apis/apps/v1/namespaces/shop/deployments';

export const scenes: readonly Scene[] = [
  {
    title: 'The first merge',
    story:
      'The shop’s manifests are merged to main. The pipeline creates everything and waits until it is healthy. Nothing has been installed in the cluster before.',
    lesson: 'a merge to main created everything and waited until it was healthy',
    async play(pipeline) {
      const commit = await pipeline.merge('Add the shop');
      expectOutcome(await pipeline.run('sync'), 'applied');
      const status = pipeline.azureDevOps.statuses.at(-1);
      assert.equal(status?.commit, commit);
      assert.equal(status?.status['state'], 'succeeded');
    },
  },
  {
    title: 'The second merge: plan, approve, apply',
    story:
      'A pull request raises the number of replicas and removes the nightly report. The plan shows both before anything happens and is named by a digest. After an approval another agent, with no checkout, applies exactly that plan; the removed object is pruned.',
    lesson: 'a plan showed one change and one removal, and exactly that was applied after an approval',
    async play(pipeline) {
      await pipeline.edit('deploy/web.yaml', (text) => text.replace('replicas: 2', 'replicas: 3'));
      await pipeline.remove('deploy/report-job.yaml');
      await pipeline.merge('Three replicas; the nightly report is gone');
      const plan = await pipeline.run('plan');
      expectOutcome(plan, 'planHasChanges');
      expectCounts(plan, { created: '0', configured: '1', pruned: '1' });
      const planDigest = outputOf(plan, 'planDigest')?.slice(0, 12) ?? '';
      command(`approve the plan ${planDigest}   # the check of the environment "production"`);
      const applied = await pipeline.runWithoutCheckout('apply', { planDigest });
      expectOutcome(applied, 'applied');
      expectCounts(applied, { created: '0', configured: '1', pruned: '1' });
      assert.equal(
        await pipeline.cluster.client().find('/apis/batch/v1/namespaces/shop/cronjobs/nightly-report'),
        undefined,
      );
    },
  },
  {
    title: 'Somebody edits the cluster by hand',
    story:
      'At night somebody opens the database to everybody and switches on debug logs with kubectl edit. Server-side apply alone would keep the added rule. The drift check finds both and says who; the next sync puts them back.',
    lesson: 'an edit by hand was found, attributed and put back',
    async play(pipeline) {
      const client = pipeline.cluster.client();
      command('kubectl edit networkpolicy database   # adds "- {}": everybody may connect');
      await client.patch(
        '/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/database?fieldManager=kubectl-edit',
        {
          spec: { ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }] }, {}] },
        },
      );
      command('kubectl edit configmap web-settings   # LOG_LEVEL: debug');
      await client.patch('/api/v1/namespaces/shop/configmaps/web-settings?fieldManager=kubectl-edit', {
        data: { LOG_LEVEL: 'debug' },
      });
      expectOutcome(await pipeline.run('drift'), 'driftDetected');
      expectOutcome(await pipeline.run('sync'), 'driftCorrected');
      const policy = await client.get('/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies/database');
      assert.equal((policy['spec'] as { ingress: unknown[] }).ingress.length, 1);
    },
  },
  {
    title: 'A merge that does not work',
    story:
      'The new image was never pushed. The sync fails early, with the container’s own reason instead of a timeout; nothing is pruned, the old Pods keep serving, and the commit carries a failed status.',
    lesson: 'a broken image failed early with the container’s reason, and the old version kept serving',
    async play(pipeline) {
      await pipeline.edit('deploy/web.yaml', (text) => text.replace('shop/web:1.0.0', 'shop/web:does-not-exist'));
      await pipeline.merge('Version 2.0.0 of the web shop');
      const run = await pipeline.run('sync');
      expectOutcome(run, 'healthFailed');
      assert.match(run.log, /ImagePullBackOff|ErrImagePull/);
      assert.equal(pipeline.azureDevOps.statuses.at(-1)?.status['state'], 'failed');
      const web = await pipeline.cluster.client().get(`${deployments}/web`);
      assert.ok((web['status'] as { availableReplicas: number }).availableReplicas >= 2);
    },
  },
  {
    title: 'Rollback, hold and release',
    story:
      'Git still holds the bad commit. A rollback goes back to the last revision that was healthy, from the cluster itself. The bad commit is held: the next run does not deploy it again. It can be released on purpose; here a commit that puts it right comes after it, and that is deployed as usual.',
    lesson: 'a rollback went back, the bad commit was held until it was released, and a good one was deployed as usual',
    async play(pipeline) {
      expectOutcome(await pipeline.runWithoutCheckout('rollback'), 'rolledBack');
      const client = pipeline.cluster.client();
      assert.match(JSON.stringify(await client.get(`${deployments}/web`)), /shop\/web:1\.0\.0/);
      expectOutcome(await pipeline.run('sync'), 'held');
      expectOutcome(await pipeline.run('sync', { release: 'true', wait: 'none' }), 'applied');
      await pipeline.edit('deploy/web.yaml', (text) => text.replace('shop/web:does-not-exist', 'shop/web:2.0.0'));
      await pipeline.merge('Version 2.0.0 of the web shop, pushed this time');
      expectOutcome(await pipeline.run('sync'), 'applied');
    },
  },
];

function expectOutcome(run: TaskRun, outcome: string): void {
  assert.equal(outputOf(run, 'outcome'), outcome);
}

function expectCounts(run: TaskRun, counts: Record<string, string>): void {
  for (const [name, value] of Object.entries(counts)) assert.equal(outputOf(run, name), value, name);
}

function outputOf(run: TaskRun, name: string): string | undefined {
  return run.outputVariables[name];
}
