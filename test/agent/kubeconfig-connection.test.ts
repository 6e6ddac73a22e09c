import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { load } from 'js-yaml';
import { kubeconfigConnection } from './kubeconfig-connection.ts';
import { useTempFolder } from './temp-folder.ts';

describe('A kubeconfig that stands for a connection', () => {
  const temp = useTempFolder();

  function file(text: string): string {
    const target = path.join(temp.folder, 'kubeconfig');
    writeFileSync(target, text);
    return target;
  }

  const kubeconfig = (cluster: string, user: string) => `# kept as it is
current-context: admin@two
clusters:
- {name: one, cluster: {server: 'https://one.example:6443'}}
- {name: two, cluster: {server: 'https://two.example:6443', ${cluster}}}
contexts:
- {name: admin@two, context: {cluster: two, user: admin}}
users:
- {name: admin, user: {${user}}}
`;

  it('becomes a Kubernetes connection to the cluster of its current context, with its text', async () => {
    const text = kubeconfig('certificate-authority-data: Y2E=', 'token: t');
    assert.deepEqual(await kubeconfigConnection(file(text)), {
      type: 'kubernetes',
      url: 'https://two.example:6443',
      scheme: 'Kubernetes',
      parameters: { kubeconfig: text },
      data: { authorizationType: 'Kubeconfig', acceptUntrustedCerts: 'false' },
    });
  });

  it('takes the files that it names into the text, because a connection has no files', async () => {
    writeFileSync(path.join(temp.folder, 'ca.crt'), 'ca');
    writeFileSync(path.join(temp.folder, 'token'), 'from-file\n');
    const connection = await kubeconfigConnection(
      file(kubeconfig('certificate-authority: ca.crt', 'tokenFile: token')),
    );
    const config = load(connection.parameters?.['kubeconfig'] ?? '') as {
      clusters: { cluster: Record<string, string> }[];
      users: { user: Record<string, string> }[];
    };
    assert.deepEqual(config.clusters[1]?.cluster, {
      server: 'https://two.example:6443',
      'certificate-authority-data': 'Y2E=',
    });
    assert.deepEqual(config.users[0]?.user, { token: 'from-file' });
  });

  it('is refused when it is not there or names no cluster', async () => {
    await assert.rejects(kubeconfigConnection(path.join(temp.folder, 'none')), /none cannot be read/);
    await assert.rejects(kubeconfigConnection(file('a: b')), /no kubeconfig with a current-context/);
  });
});
