import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runTask } from './index.ts';
import { useTempFolder } from './temp-folder.ts';
import { defaultVsix, findTaskFolder, unpackVsix } from './unpack.ts';

const sample = fileURLToPath(new URL('./samples/environment', import.meta.url));
const tfx = fileURLToPath(new URL('../../node_modules/tfx-cli/_build/tfx-cli.js', import.meta.url));

describe('A VSIX', () => {
  const temp = useTempFolder();

  /** Packed by the tool that packs the product. */
  async function pack(folders: Record<string, string>): Promise<string> {
    const root = path.join(temp.folder, 'extension');
    mkdirSync(root);
    for (const [name, source] of Object.entries(folders)) cpSync(source, path.join(root, name), { recursive: true });
    const names = [...new Set(Object.keys(folders).map((name) => name.split('/')[0] ?? name))];
    const manifest = {
      manifestVersion: 1,
      id: 'samples',
      publisher: 'nobody',
      version: '1.0.0',
      name: 'Samples',
      targets: [{ id: 'Microsoft.VisualStudio.Services' }],
      categories: ['Azure Pipelines'],
      contributions: names.map((name) => ({
        id: name,
        type: 'ms.vss-distributed-task.task',
        targets: ['ms.vss-distributed-task.tasks'],
        properties: { name },
      })),
      files: names.map((name) => ({ path: name })),
    };
    writeFileSync(path.join(root, 'vss-extension.json'), JSON.stringify(manifest));
    const file = path.join(temp.folder, 'samples.vsix');
    await promisify(execFile)(process.execPath, [tfx, 'extension', 'create', '--root', root, '--output-path', file]);
    return file;
  }

  it('is unpacked and its task run by name', async () => {
    const vsix = await pack({ EnvironmentTask: sample });
    for (const task of ['SampleEnvironment', 'environmenttask']) {
      const run = await runTask({ vsix, task, without: ['secret-in-upload'], outputDirectory: temp.folder });
      assert.deepEqual([run.task, run.version, run.result], ['SampleEnvironment', '2.3.4', 'Succeeded']);
      assert.match(readFileSync(run.attachments[0]?.path ?? '', 'utf8'), /"INPUT_ACTION":"sync"/);
    }
  }).timeout(30_000);

  it('with folders of versions runs the highest', async () => {
    const version = (text: string): string => {
      const [Major, Minor, Patch] = text.split('.').map(Number);
      const folder = path.join(temp.folder, text);
      mkdirSync(folder);
      const definition = {
        id: 'i',
        name: 'Versioned',
        version: { Major, Minor, Patch },
        execution: { Node24: { target: 'main.mjs' } },
      };
      writeFileSync(path.join(folder, 'task.json'), JSON.stringify(definition));
      writeFileSync(path.join(folder, 'main.mjs'), '');
      return folder;
    };
    const vsix = await pack({ 'T/v9': version('1.9.0'), 'T/v10': version('1.10.0'), 'T/v1': version('1.2.3') });
    assert.equal((await runTask({ vsix, task: 'Versioned' })).version, '1.10.0');
  }).timeout(30_000);

  it('tells which tasks it has when it has not the one that was asked for', async () => {
    const root = path.join(temp.folder, 'unpacked');
    cpSync(sample, path.join(root, 'T'), { recursive: true });
    const contributions = [{ type: 'ms.vss-distributed-task.task', properties: { name: 'T' } }];
    writeFileSync(path.join(root, 'extension.vsomanifest'), JSON.stringify({ contributions }));
    await assert.rejects(findTaskFolder(root, 'GitOpsSnc'), /no task "GitOpsSnc"; it has SampleEnvironment\./);
  });

  it('is unpacked once for the same content, and again for another', async () => {
    const one = path.join(temp.folder, 'one.vsix');
    const same = path.join(temp.folder, 'same.vsix');
    const other = path.join(temp.folder, 'other.vsix');
    writeFileSync(one, zip('a.txt', 'a'));
    writeFileSync(same, zip('a.txt', 'a'));
    writeFileSync(other, zip('a.txt', 'b'));
    const folder = await unpackVsix(one);
    assert.equal(readFileSync(path.join(folder, 'a.txt'), 'utf8'), 'a');
    assert.equal(await unpackVsix(same), folder);
    assert.notEqual(await unpackVsix(other), folder);
  });

  for (const name of ['../evil.txt', '/evil.txt', 'a/../../evil.txt', '%2e%2e/evil.txt']) {
    it(`that would write outside of its folder, to ${name}, is refused`, async () => {
      const file = path.join(temp.folder, 'evil.vsix');
      writeFileSync(file, zip(name, 'evil'));
      await assert.rejects(unpackVsix(file), /invalid relative path|absolute path|unsafe path/);
      assert.equal(existsSync('/evil.txt'), false);
    });
  }

  it('is by default the one that GITOPS_TEST_VSIX names', async () => {
    assert.equal(await defaultVsix({ GITOPS_TEST_VSIX: 'some.vsix' }), path.resolve('some.vsix'));
  });

  it('is else the newest in dist, and its lack says how to make one', async () => {
    const dist = path.join(temp.folder, 'dist');
    await assert.rejects(defaultVsix({}, dist), /run "npm run package" first/);
    mkdirSync(dist);
    for (const [name, time] of [
      ['a.vsix', 10],
      ['b.vsix', 30],
      ['c.vsix', 20],
      ['d.txt', 40],
    ] as const) {
      writeFileSync(path.join(dist, name), '');
      utimesSync(path.join(dist, name), time, time);
    }
    assert.equal(await defaultVsix({}, dist), path.join(dist, 'b.vsix'));
  });
});

/** A ZIP of one file that is stored as it is; other tools refuse to write unsafe names. */
function zip(name: string, content: string): Buffer {
  const [nameBytes, data] = [Buffer.from(name), Buffer.from(content)];
  const sizes = Buffer.alloc(12);
  sizes.writeUInt32LE(crc32(data), 0);
  sizes.writeUInt32LE(data.length, 4);
  sizes.writeUInt32LE(data.length, 8);
  const lengths = Buffer.from([nameBytes.length, 0, 0, 0]);
  const common = Buffer.concat([Buffer.from([20, 0, 0, 8, 0, 0, 0, 0, 0x21, 0]), sizes, lengths]);
  const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, nameBytes, data]);
  const central = Buffer.concat([Buffer.from('PK\x01\x02'), Buffer.from([20, 0]), common, Buffer.alloc(14), nameBytes]);
  const end = Buffer.concat([Buffer.from('PK\x05\x06'), Buffer.alloc(18)]);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}

function crc32(data: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
