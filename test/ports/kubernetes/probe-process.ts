import { CancelledError } from '../../../lib/errors.ts';
import { connect } from '../../../lib/ports/kubernetes/connect.ts';

/**
 * A program of its own, bundled as a task is: reads the cluster's version by a kubeconfig, waits on a watch and a request that
 * is never answered until it is told to end, and then has nothing left that keeps it alive.
 */
const { accessFromKubeconfigFile } = await import('../../../lib/ports/kubernetes/kubeconfig.ts');
const [file = ''] = process.argv.slice(2);
const abort = new AbortController();
process.once('SIGTERM', () => abort.abort());
const access = await accessFromKubeconfigFile({ file, environment: process.env, maskSecret: () => undefined });
const network = { proxyBypass: [], skipCertValidation: false };
const client = connect(access, { network, signal: abort.signal });
const { gitVersion } = await client.version();
const resource = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true, verbs: [] };
const watching = (async () => {
  const { signal } = new AbortController();
  for await (const { type } of client.watch(resource, { resourceVersion: '1', signal }))
    process.stdout.write(`${type}\n`);
})();
const waiting = Array.from({ length: 40 }, async () => {
  try {
    await client.get(resource, 'shop', 'never-answered');
    return 'answered';
  } catch (error) {
    return error instanceof CancelledError ? 'cancelled' : String(error);
  }
});
process.stdout.write(`${gitVersion}\n`);
await watching;
process.stdout.write(`${[...new Set(await Promise.all(waiting))].join()}\n`);
await client.close();
