import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { startAzureDevOps } from '../../azure-devops/server.ts';
import { temporaryFolder } from '../git/work-repository.ts';

const CLIENT = fileURLToPath(new URL('../../../lib/ports/azure-devops/azure-repos.ts', import.meta.url));

describe('the client of Azure Repos in a bundle', () => {
  it('finds the lazily loaded package, which only a call can prove', async () => {
    const temp = await temporaryFolder();
    const service = await startAzureDevOps();
    try {
      await service.addRepository('shop');
      const network = { proxyBypass: [], skipCertValidation: false };
      await writeFile(
        join(temp.folder, 'entry.ts'),
        `import { azureRepos } from ${JSON.stringify(CLIENT)};
         const [collectionUrl, token] = process.argv.slice(2);
         const repos = azureRepos({ collectionUrl, token, network: ${JSON.stringify(network)} });
         process.stdout.write((await repos.repository({ project: 'shop', repository: 'shop' })).name);`,
      );
      await build({
        entryPoints: [join(temp.folder, 'entry.ts')],
        outdir: join(temp.folder, 'out'),
        outExtension: { '.js': '.mjs' },
        bundle: true,
        minify: true,
        splitting: true,
        format: 'esm',
        platform: 'node',
        banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
        logLevel: 'silent',
      });
      const args = [join(temp.folder, 'out', 'entry.mjs'), service.collectionUrl, service.token];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      assert.equal(stdout, 'shop');
      service.assertValid();
    } finally {
      await service.stop();
      await temp.remove();
    }
  });
});
