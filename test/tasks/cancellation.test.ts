import assert from 'node:assert/strict';
import { configMap, deploymentManifest, type Files, type Run, useRig } from './rig.ts';

describe('GitOpsSync that is cancelled', function () {
  this.timeout(60_000);
  const rig = useRig();

  /** Ended by itself after the agent's first signal, with what was done told. */
  const endsWell = (run: Run) => {
    assert.ok(run.canceled);
    assert.equal(run.agentResult, 'Canceled');
    assert.deepEqual(run.signals, ['SIGINT']);
    assert.equal(run.exitCode, 0);
    assert.equal(run.outputVariables['outcome'], 'canceled');
    assert.equal(run.report.outcome, 'canceled');
    assert.match(run.log, /The run was cancelled/);
  };

  it('while it waits for health ends at once, says what was changed, and is finished by the next run', async () => {
    const shop = await rig.deployment({
      'deploy/config.yaml': configMap('config'),
      'deploy/web.yaml': deploymentManifest('web', { pod: 'never-ready' }),
    });
    let cancelledAt = 0;
    const run = await shop.run({
      inputs: { timeout: '5m' },
      cancelWhen: (line) => {
        const waits = line.includes('of 2 healthy');
        if (waits) cancelledAt = Date.now();
        return waits;
      },
    });
    assert.ok(Date.now() - cancelledAt < 7000);
    endsWell(run);
    assert.match(run.log, /2 objects of '\S+' had been changed.*Run again/s);

    const status = await shop.run({ action: 'status', workdir: rig.folder });
    assert.match(status.log, /2 objects, commit [0-9a-f]{10} since/, 'everything that was made is recorded');
    await shop.merge({ 'deploy/web.yaml': deploymentManifest('web') });
    const next = await shop.run();
    assert.equal(next.result, 'Succeeded');
    await shop.merge({ 'deploy/config.yaml': null });
    assert.equal((await shop.run()).outputVariables['pruned'], '1', 'what the cancelled run made is its own');
  });

  it('while it applies ends in time, begins nothing more, and the next run knows what it made', async () => {
    const file = (index: number) => [`deploy/c${index}.yaml`, configMap(`c${index}`)] as const;
    const all = Array.from({ length: 200 }, (_, index) => index);
    const shop = await rig.deployment(Object.fromEntries(all.map(file)));
    const made = async () =>
      (await shop.client.list(shop.path('configmaps')))
        .map(({ metadata }) => metadata?.name ?? '')
        .filter((name) => /^c\d+$/.test(name))
        .sort();

    const run = await shop.run({ cancelOn: ' created' });
    endsWell(run);
    const left = await made();
    assert.ok(left.length > 0 && left.length < all.length, `${left.length} of ${all.length} were made`);
    const told = run.report.changes.filter(({ state }) => state === 'done').map(({ target }) => target.name);
    assert.deepEqual(
      told.filter((name) => !left.includes(name)),
      [],
      'nothing is told to be done that is not',
    );
    assert.match(run.log, /the rest was not begun. Run again to finish/);

    // Git goes on without most of them: what the cancelled run made is pruned, also what was on its way when it was cancelled.
    const kept = [0, 1, 199];
    await shop.merge({ deploy: null, ...Object.fromEntries(kept.map(file)) } as Files);
    const next = await shop.run({ inputs: { maxPrune: '200' } });
    assert.equal(next.result, 'Succeeded');
    assert.deepEqual(await made(), kept.map((index) => `c${index}`).sort());
    assert.equal((await shop.run()).outputVariables['outcome'], 'noChanges');
  });
});
