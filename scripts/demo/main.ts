/**
 * The product at work: a real Kubernetes control plane, a real Git repository, and the packed task run as an Azure Pipelines agent
 * runs it. `npm run demo`. Exits with 1 when a scene does not end as it should.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startAzureDevOps } from '../../test/azure-devops/server.ts';
import { startCluster } from '../../test/cluster/index.ts';
import { Pipeline } from './pipeline.ts';
import { type Scene, scenes } from './scenes.ts';
import { heading, outro, say, told } from './stage.ts';
import { newestVsix } from './vsix.ts';

async function main(): Promise<number> {
  const started = Date.now();
  heading('GitOps for Azure Pipelines: a merge to main reaches a cluster');
  say('Packing the extension as it goes to the Marketplace ...');
  const vsix = await newestVsix();
  say('Starting a real Kubernetes control plane (the first time it is built from source, about ten minutes) ...');
  const cluster = await startCluster({ name: 'demo' });
  const azureDevOps = await startAzureDevOps({ project: 'shop' });
  const folder = await mkdtemp(join(tmpdir(), 'gitops-demo-'));
  const results: { scene: Scene; problem: string | undefined }[] = [];
  try {
    const pipeline = await Pipeline.create({ vsix, cluster, azureDevOps, folder });
    for (const [index, scene] of scenes.entries()) {
      heading(`${index + 1}. ${scene.title}`);
      told(scene.story);
      const problem = await scene.play(pipeline).then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      results.push({ scene, problem });
      if (problem !== undefined) say(`This scene did not end as it should: ${problem}`);
    }
    azureDevOps.assertValid();
  } finally {
    await azureDevOps.stop();
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  }
  outro(results, Date.now() - started);
  return results.some(({ problem }) => problem !== undefined) ? 1 : 0;
}

process.exitCode = await main();
