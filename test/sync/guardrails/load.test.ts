import assert from 'node:assert/strict';
import { InputError, NotPermittedError, UnreachableError } from '../../../lib/errors.ts';
import type { Json, KubernetesClient } from '../../../lib/ports/kubernetes/kubernetes-client.ts';
import { type LoadProtectionOptions, loadProtection } from '../../../lib/sync/guardrails/load.ts';

const rules = `apiVersion: gitops.pipelines/v1
kind: SyncGuardrails
rules:
  - { name: shop, repositories: ["**"] }
`;
const windows = `apiVersion: gitops.pipelines/v1
kind: FreezeWindows
windows:
  - { name: night, cron: 0 22 * * *, duration: 8h, timeZone: UTC, reason: nobody is there }
`;

function cluster(answer: Json | Error | undefined): Pick<KubernetesClient, 'get'> {
  return {
    get: async (resource, namespace, name) => {
      assert.deepEqual([resource.plural, namespace, name], ['configmaps', 'gitops-guardrails', 'gitops-guardrails']);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

const load = (answer: Json | Error | undefined, more: Partial<LoadProtectionOptions> = {}) =>
  loadProtection({ client: cluster(answer), required: false, ...more });

describe('what protects a cluster', () => {
  it('is nothing where there is no ConfigMap and no file', async () => {
    const { guardrails, windows: found, notes } = await load(undefined);
    assert.deepEqual([guardrails, found], [[], []]);
    assert.deepEqual(notes, ['ConfigMap gitops-guardrails/gitops-guardrails does not exist.']);
  });

  it('is read from every key of the ConfigMap, and from the file as well', async () => {
    const found = await load(
      { data: { 'b.yaml': windows, 'a.yaml': rules } },
      { file: { text: rules, name: 'g.yaml' } },
    );
    assert.deepEqual(
      found.guardrails.map(({ file }) => file),
      ['ConfigMap gitops-guardrails/gitops-guardrails, a.yaml', 'g.yaml'],
    );
    assert.equal(found.windows[0]?.name, 'night');
    assert.match(found.notes.join('\n'), /a\.yaml: 1 rule, 0 freeze windows\n.*b\.yaml: 0 rules, 1 freeze window/);
  });

  it('is refused when anything in it is wrong, with the line', async () => {
    const broken = rules.replace('repositories', 'repositorys');
    await assert.rejects(load({ data: { 'a.yaml': broken } }), (error: InputError) => {
      assert.ok(error instanceof InputError);
      assert.match(
        error.message,
        /gitops-guardrails, a\.yaml:4:\d+: .*no field `repositorys`\. Did you mean `repositories`\?/,
      );
      return true;
    });
  });

  it('is refused when the ConfigMap is empty or holds no text', async () => {
    await assert.rejects(load({ data: {} }), /has no data/);
    await assert.rejects(load({}), /has no data/);
    await assert.rejects(load({ binaryData: { a: 'eA==' } }), /has binaryData/);
    await assert.rejects(load({ data: { 'a.yaml': '# later\n' } }), /holds no document/);
  });

  it('is done without when the ConfigMap may not be read, and says so', async () => {
    const { guardrails, notes } = await load(new NotPermittedError('configmaps is forbidden.'));
    assert.deepEqual(guardrails, []);
    assert.match(notes.join(), /may not be read by this identity/);
  });

  it('is insisted upon when guardrails are required', async () => {
    const required = { required: true };
    await assert.rejects(load(new NotPermittedError('configmaps is forbidden.'), required), NotPermittedError);
    await assert.rejects(load(undefined, required), /Guardrails are required, and there are none/);
    await assert.rejects(load({ data: { a: windows } }, required), /Guardrails are required, and there are none/);
    assert.equal((await load({ data: { a: rules } }, required)).guardrails.length, 1);
    const file = { text: rules, name: 'g.yaml' };
    assert.equal((await load(undefined, { required: true, file })).guardrails.length, 1);
    await assert.rejects(load(new NotPermittedError('no'), { required: true, file }), NotPermittedError);
  });

  it('is not taken for absent when the cluster does not answer', async () => {
    await assert.rejects(load(new UnreachableError('no answer')), UnreachableError);
  });
});
