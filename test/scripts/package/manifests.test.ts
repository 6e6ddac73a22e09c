import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkIcon, taskFolders } from '../../../scripts/build/task.ts';
import { readTaskManifest, type TaskManifest } from '../../../scripts/build/task-manifest.ts';
import { checkExtension, type ExtensionManifest } from '../../../scripts/package/extension-manifest.ts';
import { buildNumber, checkDevIdentities, type DevIdentities } from '../../../scripts/package/identity.ts';
import { withLicenses } from '../../../scripts/package/licenses.ts';
import { PROBE_PROJECT, probeManifest, REPOSITORY, tempFolder } from '../support.ts';

const json = (folder: string, file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'));

describe('vss-extension.json', () => {
  const extension: ExtensionManifest = json(PROBE_PROJECT, 'vss-extension.json');
  const problems = (change: object, tasks: TaskManifest[] = [probeManifest()]) =>
    checkExtension({ ...extension, ...change }, tasks, '1.2.3')
      .map(({ message }) => message)
      .join('\n');

  it('passes when it keeps every rule', () => assert.equal(problems({}), ''));
  it('has the version of package.json', () =>
    assert.match(problems({ version: '1.2.4' }), /package\.json says 1\.2\.3/));
  it('has an id of letters, digits and hyphens', () => assert.match(problems({ id: '-probe' }), /^id: /));
  it('has a description of at most 200 characters', () =>
    assert.match(problems({ description: 'x'.repeat(201) }), /description is longer/));
  it('says public as true or false', () => assert.match(problems({ public: 'no' }), /public must be/));
  it('is for Azure DevOps Services and Server', () => assert.match(problems({ targets: [] }), /targets must hold/));
  it('contributes each task once', () => {
    assert.match(problems({ contributions: [] }), /ProbeTask needs exactly one contribution/);
    const twice = [...extension.contributions, ...extension.contributions];
    assert.match(problems({ contributions: twice }), /two contributions have the id 'probe-task'/);
  });
  it('contributes no task that is not there', () =>
    assert.match(problems({}, []), /names the task ProbeTask, which does not exist/));

  it('of this extension keeps every rule, and its tasks have private identities', async () => {
    const tasks = (await taskFolders(REPOSITORY)).map(
      (folder) => readTaskManifest(join(folder, 'task.json')) as TaskManifest,
    );
    const ours: ExtensionManifest = json(REPOSITORY, 'vss-extension.json');
    assert.deepEqual(checkExtension(ours, tasks, json(REPOSITORY, 'package.json').version), []);
    assert.deepEqual(checkDevIdentities(json(REPOSITORY, 'scripts/dev-identities.json'), ours, tasks), []);
    assert.deepEqual(await checkIcon(join(REPOSITORY, 'images'), 'images', 128), []);
  });

  it('of this extension asks for no scope, since customers have to approve each new one', () => {
    assert.deepEqual(json(REPOSITORY, 'vss-extension.json').scopes ?? [], []);
  });
});

describe('The private identities', () => {
  const extension: ExtensionManifest = json(PROBE_PROJECT, 'vss-extension.json');
  const dev: DevIdentities = json(PROBE_PROJECT, 'scripts/dev-identities.json');
  const problems = (change: Partial<DevIdentities>) =>
    checkDevIdentities({ ...dev, ...change }, extension, [probeManifest()])
      .map(({ message }) => message)
      .join('\n');

  it('differ from the public ones in everything', () => {
    assert.equal(problems({}), '');
    assert.match(problems({ extension: { id: 'probe', name: 'x' } }), /'probe' is the public one/);
    const { id, name, friendlyName } = probeManifest();
    const twin = { id: 'x', name: 'y', friendlyName: 'z' };
    for (const same of [{ id }, { name }, { friendlyName }]) {
      assert.match(problems({ tasks: { ProbeTask: { ...twin, ...same } } }), /is taken already/);
    }
  });

  it('exist for every task and no other', () => {
    assert.match(problems({ tasks: {} }), /no entry for the task ProbeTask/);
    assert.match(
      problems({ tasks: { ...dev.tasks, Gone: { id: 'a', name: 'b', friendlyName: 'c' } } }),
      /there is no task Gone/,
    );
  });

  it('get a higher version with every minute, below the 2147483647 that a part may have', () => {
    assert.equal(buildNumber(new Date('2026-01-01T00:01:59Z')), 1);
    assert.ok(buildNumber(new Date('2126-01-01T00:00:00Z')) < 2147483647);
  });
});

describe('The licence of a bundled package', () => {
  const MIT = 'Permission is hereby granted, free of charge';

  /** What packaging says of a package with this licence and these files; its text when nothing. */
  function check(license: string | undefined, files: Record<string, string>): string {
    const { folder, remove } = tempFolder({
      'pkg/index.js': '',
      ...Object.fromEntries(Object.entries(files).map(([k, v]) => [`pkg/${k}`, v])),
    });
    try {
      const bundled = {
        name: 'a',
        folder: 'node_modules/a',
        path: 'pkg',
        version: '1.0.0',
        files: [],
        ...(license && { license }),
      };
      return withLicenses([bundled], folder)[0]?.licenseText ?? '';
    } catch (error) {
      return String(error);
    } finally {
      remove();
    }
  }

  it('comes from its licence file, whatever its spelling', () => {
    for (const name of ['LICENSE', 'license', 'LICENSE.md', 'LICENCE.txt', 'COPYING', 'UNLICENSE']) {
      assert.equal(check('MIT', { [name]: `${MIT}\r\nto all\r\n` }), `${MIT}\nto all`);
    }
  });

  it('comes with its NOTICE, as Apache-2.0 asks', () => {
    assert.equal(
      check('Apache-2.0', { LICENSE: 'Apache License', NOTICE: 'Made by A' }),
      'Apache License\n\nMade by A',
    );
  });

  it('may stand in its README', () =>
    assert.match(check('MIT', { 'README.md': `# a\n\n## License\n\nMIT\n\n${MIT}\n` }), /^MIT\n\nPermission/));
  it('must have a text', () => {
    assert.match(check('MIT', {}), /there is no text of the licence MIT/);
    assert.match(check('MIT', { LICENSE: ' \n' }), /there is no text/);
    assert.match(check('MIT', { 'README.md': '## License\n\nMIT\n' }), /there is no text/);
  });
  it('must be permissive', () => {
    for (const license of ['GPL-3.0-only', 'SEE LICENSE IN LICENSE', 'UNLICENSED', 'BUSL-1.1']) {
      assert.match(check(license, { LICENSE: 'text' }), /is not known to be permissive/);
    }
  });
  it('must be stated', () => assert.match(check(undefined, { LICENSE: MIT }), /'\(none\)' is not known/));
});
