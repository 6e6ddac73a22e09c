import assert from 'node:assert/strict';
import fc from 'fast-check';
import { headline, logBlocks, planLines, tableLines } from '../../../lib/core/reporting/log-table.ts';
import { foreignResult } from './foreign.ts';
import { change, failedRun, planRun, runResult } from './samples.ts';

const blockOf = (blocks: readonly { title: string; lines: readonly string[] }[], title: string) =>
  blocks.find((block) => block.title.startsWith(title))?.lines.join('\n');

describe('The report in the log', () => {
  it('of a run that failed shows what changed, a table, and last the failure with its details', () => {
    const blocks = logBlocks(failedRun);
    assert.deepEqual(
      blocks.map((block) => block.title),
      ['What changed', 'Objects', 'Failed: 1 object', 'Result'],
    );
    assert.equal(
      blockOf(blocks, 'Objects'),
      [
        'KIND                   NAME               ACTION       HEALTH    TIME  MESSAGE',
        'ConfigMap              shop/settings      configured   Healthy  31 ms',
        'Secret                 shop/db            configured   Healthy  28 ms',
        'Deployment.apps        shop/web           configured   Healthy  8.1 s',
        'Service                shop/web           created      Healthy  19 ms',
        'ConfigMap              shop/old-settings  not reached                  nothing is deleted after a failure',
        'PersistentVolumeClaim  shop/data          kept                         a protected kind; list it in protectedKinds to delete it',
      ].join('\n'),
    );
    assert.equal(
      blockOf(blocks, 'Failed'),
      [
        'Deployment.apps shop/api: not healthy (Degraded) after 30.4 s',
        '    container api: ImagePullBackOff: Back-off pulling image "registry.example.com/shop/api:9.9.9"',
        '      Deployment.apps shop/api -> ReplicaSet.apps shop/api-6d4f9c -> Pod shop/api-6d4f9c-x2x7v',
        '      container api: waiting, ImagePullBackOff (0 restarts)',
        '      event Failed (3 times): Failed to pull image "registry.example.com/shop/api:9.9.9": not found',
        '    declared in apps/api.yaml:1',
      ].join('\n'),
    );
    assert.equal(
      blockOf(blocks, 'Result'),
      [
        '1 object unchanged.',
        'Sync set shop (production): health failed. 1 created, 3 configured, 1 unchanged, 1 left alone, 1 failed, 1 not reached in 42.3 s.',
        'Deployment.apps shop/api did not become healthy: its image cannot be pulled. Correct the image in Git or revert the commit.',
        'Next: Read the details of the objects that failed. Correct them in Git, or revert the commit.',
      ].join('\n'),
    );
  });

  it('of a plan reads like a difference', () => {
    assert.equal(
      blockOf(logBlocks(planRun), 'Plan'),
      [
        '~ configure ConfigMap shop/settings',
        '      ~ data["nginx.conf"]: 12 lines -> 13 lines',
        '          @ line 3',
        '          - listen 80;',
        '          + listen 8080;',
        '          + server_tokens off;',
        '~ configure Secret shop/db',
        '      ~ data.password: <secret 56720ef24d4c> -> <secret 453fc71307e6>',
        '~ configure Deployment.apps shop/web',
        '      ~ spec.replicas: 2 -> 3 (set by kubectl-edit)',
        '+ create    Service shop/web',
        '~ configure Deployment.apps shop/api',
        '      ~ spec.template.spec.containers[name=api].image:',
        '             registry.example.com/shop/api:1.4.0',
        '          -> registry.example.com/shop/api:9.9.9',
        '- prune     ConfigMap shop/old-settings: nothing is deleted after a failure',
      ].join('\n'),
    );
    assert.match(
      headline(planRun),
      /plan has changes\. 1 to create, 4 to configure, 1 to prune, 1 unchanged, 1 left alone/,
    );
  });

  it('of a drift says what would be put back', () => {
    assert.ok(blockOf(logBlocks({ ...planRun, action: 'drift' }), 'Drift: what a sync would put back'));
  });

  it('of a run that changed nothing is short', () => {
    const nothing = runResult({
      outcome: 'noChanges',
      changes: [change('Service', 'shop/a'), change('Service', 'shop/b')],
    });
    assert.deepEqual(logBlocks(nothing), [
      {
        title: 'Result',
        lines: [
          '2 objects unchanged.',
          'Sync set shop (production): no changes. 2 unchanged in 42.3 s.',
          'The cluster is as Git declares.',
        ],
      },
    ]);
  });

  it('does not say twice what an error says', () => {
    const refused = runResult({
      outcome: 'invalidInput',
      summary: 'deploy is empty. (and 1 more problem)',
      errors: [{ message: 'deploy is empty.' }, { message: 'syncSet is empty.' }],
    });
    assert.deepEqual(blockOf(logBlocks(refused), 'Result')?.split('\n').slice(1), [
      'Next: Correct the inputs or files that the errors name. Nothing was changed.',
    ]);
  });

  it('of a status lists everything', () => {
    const status = runResult({
      action: 'status',
      outcome: 'status',
      changes: [change('Service', 'shop/a', { health: 'Healthy' })],
    });
    assert.match(blockOf(logBlocks(status), 'Objects') ?? '', /shop\/a .*unchanged .*Healthy/);
  });

  it('does not hide what is unchanged and unwell', () => {
    const unwell = runResult({
      changes: [change('Service', 'shop/a', { health: 'Degraded', message: 'no endpoints' })],
    });
    assert.match(blockOf(logBlocks(unwell), 'Objects') ?? '', /Degraded .*no endpoints/);
  });

  it('lists so many objects and counts the rest', () => {
    const many = Array.from({ length: 30 }, (_, index) => change('Service', `shop/s${index}`, { action: 'create' }));
    const lines = logBlocks(runResult({ changes: many }), { maxObjects: 10 })[0]?.lines ?? [];
    assert.equal(lines.length, 12);
    assert.equal(lines.at(-1), 'and 20 objects more, see gitops-result.json');
    const planned = many.map((entry) => ({ ...entry, state: 'planned' as const }));
    assert.equal(planLines(planned, { maxObjects: 10 }).at(-1), 'and 20 objects more, see gitops-result.json');
  });

  it('cuts long names in the middle and breaks long messages, never more than 140 columns wide', () => {
    const name = `shop/${'a'.repeat(120)}-the-end`;
    const message = 'word '.repeat(100).trim();
    const lines = tableLines([
      change('VeryLongKindName.group.example.com', name, { action: 'create', message, durationMs: 61_000 }),
    ]);
    assert.ok(lines.length > 2);
    for (const line of lines) assert.ok(line.length <= 140, line);
    assert.match(lines[1] ?? '', /shop\/a+…a+-the-end {2}created/);
    assert.equal(lines.slice(1).join(' ').match(/word/g)?.length, 100);
    assert.match(lines[1] ?? '', /1 min 1 s/);
  });

  it('keeps its table within its width and the objects in their order, whatever is in them', () => {
    fc.assert(
      fc.property(foreignResult, fc.integer({ min: 140, max: 200 }), (result, width) => {
        for (const line of tableLines(result.changes, width)) assert.ok(line.length <= width, line);
      }),
    );
    const names = ['z', 'a', 'm'].map((name) => change('Service', name, { action: 'create' }));
    assert.deepEqual(
      tableLines(names)
        .slice(1)
        .map((line) => line.split(/ +/)[1]),
      ['z', 'a', 'm'],
    );
  });

  it('lets no foreign text begin a line of its own', () => {
    fc.assert(
      fc.property(foreignResult, (result) => {
        for (const { lines } of logBlocks(result)) {
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
          for (const line of lines) assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
        }
      }),
    );
  });
});
