import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import { XMLParser } from 'fast-xml-parser';
import { STRINGS_FILE } from '../../../scripts/build/strings.ts';
import type { BuiltTask } from '../../../scripts/build/task.ts';
import { packageExtension } from '../../../scripts/package/extension.ts';
import { checkVsix, vsixFiles } from '../../../scripts/package/vsix.ts';
import { builtProbe, PROBE_PROJECT, tempFolder } from '../support.ts';

const FILES = [
  'LICENSE.txt',
  `ProbeTask/${STRINGS_FILE}`,
  'ProbeTask/icon.png',
  'ProbeTask/kubernetes-client-node.mjs',
  'ProbeTask/kubernetes-client-node.mjs.map',
  'ProbeTask/main.mjs',
  'ProbeTask/main.mjs.map',
  'ProbeTask/schemas/probe.json',
  'ProbeTask/shared-00000001.mjs',
  'ProbeTask/shared-00000001.mjs.map',
  'ProbeTask/task.json',
  'THIRD-PARTY-NOTICES.txt',
  'images/icon.png',
  'overview.md',
  'sbom.cdx.json',
];
const TFX_FILES = ['[Content_Types].xml', 'extension.vsixmanifest', 'extension.vsomanifest'];

describe('Packaging', function () {
  this.timeout(40_000);
  const { folder: out, remove } = tempFolder();
  const now = new Date('2026-03-01T10:00:00Z');
  let task: BuiltTask;
  let vsix: string;
  let devVsix: string;

  before(async () => {
    const common = { root: PROBE_PROJECT, outDir: join(out, 'dist') };
    task = await builtProbe();
    vsix = await packageExtension({ ...common, tasks: [task], dev: false, now });
    devVsix = await packageExtension({ ...common, tasks: [task], dev: true, now });
  });

  after(remove);

  const read = async (file: string, name: string) =>
    (await promisify(execFile)('unzip', ['-p', file, name.replace('[', '\\[')], { maxBuffer: 2 ** 26 })).stdout;
  const json = async (file: string, name: string) => JSON.parse(await read(file, name));

  it('puts the built task, what the Marketplace shows, notices and bill into the VSIX, and nothing else', async () => {
    assert.equal(basename(vsix), 'test-publisher.probe-1.2.3.vsix');
    assert.deepEqual((await vsixFiles(vsix)).sort(), [...FILES, ...TFX_FILES].sort());
  });

  it('contributes the task under its folder and asks for no scope', async () => {
    const { contributions, scopes } = await json(vsix, 'extension.vsomanifest');
    assert.deepEqual(scopes, []);
    assert.equal(contributions[0].properties.name, 'ProbeTask');
  });

  it('packs the task byte by byte as it was built', async () => {
    for (const name of ['task.json', 'main.mjs']) {
      assert.equal(await read(vsix, `ProbeTask/${name}`), readFileSync(join(task.folder, name), 'utf8'));
    }
  });

  it('names the content type of every file without asking the machine', async () => {
    const { Types } = new XMLParser({ ignoreAttributes: false, isArray: (name) => name === 'Override' }).parse(
      await read(vsix, '[Content_Types].xml'),
    );
    const types = new Map(
      Types.Override.map((entry: Record<string, string>) => [entry['@_PartName'], entry['@_ContentType']]),
    );
    assert.equal(types.get('/ProbeTask/main.mjs'), 'text/javascript');
    assert.equal(types.get('/ProbeTask/main.mjs.map'), 'application/json');
  });

  it('gives a private package identities of its own throughout', async () => {
    // 59 days and 10 hours after the start of 2026, in minutes.
    const build = (59 * 24 + 10) * 60;
    assert.equal(basename(devVsix), `test-publisher.probe-dev-1.2.3.${build}.vsix`);
    const manifest = await json(devVsix, 'ProbeTask/task.json');
    assert.deepEqual(
      { id: manifest.id, name: manifest.name, friendlyName: manifest.friendlyName, version: manifest.version },
      {
        id: '00000000-0000-4000-8000-000000000002',
        name: 'ProbeTaskDev',
        friendlyName: 'Probe (dev)',
        version: { Major: 1, Minor: 2, Patch: build },
      },
    );
    assert.equal((await json(devVsix, `ProbeTask/${STRINGS_FILE}`))['loc.friendlyName'], 'Probe (dev)');
    const { PackageManifest } = new XMLParser({ ignoreAttributes: false }).parse(
      await read(devVsix, 'extension.vsixmanifest'),
    );
    assert.equal(PackageManifest.Metadata.DisplayName, 'Probe (dev)');
    assert.equal(PackageManifest.Metadata.Identity['@_Id'], 'probe-dev');
  });

  it('names every bundled package with its licence text', async () => {
    const notices = await read(vsix, 'THIRD-PARTY-NOTICES.txt');
    assert.match(notices, /\nundici 7\.\d+\.\d+ \(MIT\)\n\nMIT License\n\nCopyright \(c\) Matteo Collina/);
    assert.match(notices, /\n@kubernetes\/client-node 2\.\d+\.\d+ \(Apache-2\.0\)\n\n *Apache License/);
    assert.doesNotMatch(notices, /\nesbuild /);
  });

  it('lists them in a bill of materials that keeps the CycloneDX 1.6 schema', async () => {
    const bom = await json(vsix, 'sbom.cdx.json');
    const validate = cycloneDxSchema();
    const valid: boolean = validate(bom);
    assert.ok(valid, JSON.stringify(validate.errors));
    assert.match(bom.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const undici = bom.components.find((component: { name: string }) => component.name === 'undici');
    const lock = JSON.parse(readFileSync(join(PROBE_PROJECT, 'package-lock.json'), 'utf8')).packages[
      'node_modules/undici'
    ];
    assert.equal(undici.purl, `pkg:npm/undici@${lock.version}`);
    assert.deepEqual(undici.hashes, [
      { alg: 'SHA-512', content: Buffer.from(lock.integrity.replace('sha512-', ''), 'base64').toString('hex') },
    ]);
    const uses = new Map<string, string[]>(
      bom.dependencies.map((entry: { ref: string; dependsOn?: string[] }) => [entry.ref, entry.dependsOn ?? []]),
    );
    assert.ok(uses.get('probe')?.includes('node_modules/undici'));
    assert.ok(uses.get('node_modules/@kubernetes/client-node')?.includes('node_modules/undici'));
    const client = bom.components.find((component: { group?: string }) => component.group === '@kubernetes');
    assert.match(client.purl, /^pkg:npm\/%40kubernetes\/client-node@2/);
  });

  it('is refused when a file is too much, missing, or too large', async () => {
    const messages = async (...args: Parameters<typeof checkVsix>) =>
      (await checkVsix(...args)).map(({ message }) => message);
    assert.deepEqual(await messages(vsix, FILES), []);
    assert.deepEqual(await messages(vsix, FILES.slice(1)), ['LICENSE.txt does not belong into the package']);
    assert.deepEqual(await messages(vsix, [...FILES, 'README.md']), ['README.md is missing in the package']);
    assert.match((await messages(vsix, FILES, 1000)).join(), /bytes are more than 1000/);
  });
});

/** The official schema, as the CycloneDX library carries it. */
function cycloneDxSchema() {
  const library = dirname(createRequire(import.meta.url).resolve('@cyclonedx/cyclonedx-library/package.json'));
  const schema = (name: string) =>
    JSON.parse(readFileSync(join(library, 'res', 'schema', `${name}.SNAPSHOT.schema.json`), 'utf8'));
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs'])
    ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  return ajv.compile(schema('bom-1.6'));
}
