import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bumpTask, isInChangelog, setVersion } from '../../../scripts/release/version.ts';
import { REPOSITORY } from '../support.ts';

describe('Raising a version', () => {
  it('changes the version of an extension and no other byte', () => {
    const text = readFileSync(join(REPOSITORY, 'vss-extension.json'), 'utf8');
    const next = setVersion(text, '7.8.9');
    assert.equal(JSON.parse(next).version, '7.8.9');
    assert.equal(next.replace('"version": "7.8.9"', ''), text.replace(/"version": "\d+\.\d+\.\d+"/, ''));
  });

  it('follows semantic versioning in a task.json and changes no other byte', () => {
    const text = '{\n  "name": "X",\n  "version": {\n    "Major": 1,\n    "Minor": 2,\n    "Patch": 3\n  }\n}\n';
    const version = (level: 'patch' | 'minor' | 'major') => JSON.parse(bumpTask(text, level)).version;
    assert.deepEqual(version('patch'), { Major: 1, Minor: 2, Patch: 4 });
    assert.deepEqual(version('minor'), { Major: 1, Minor: 3, Patch: 0 });
    assert.deepEqual(version('major'), { Major: 2, Minor: 0, Patch: 0 });
    assert.equal(bumpTask(text, 'patch'), text.replace('"Patch": 3', '"Patch": 4'));
  });
});

describe('The changelog', () => {
  it('has a released version under a dated heading', () => {
    const changelog = '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-03-01\n';
    assert.ok(isInChangelog(changelog, '1.2.3'));
    assert.ok(!isInChangelog(changelog, '1.2.4'));
    assert.ok(!isInChangelog('## [1.2.3]\n', '1.2.3'));
    assert.ok(!isInChangelog('## [1x2.3] - 2026-03-01', '1.2.3'));
  });
});
