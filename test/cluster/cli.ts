/** `npm run cluster -- up | down | kubeconfig | status [--name NAME]`: a test cluster to work with by hand. */
import { parseArgs } from 'node:util';
import { detachedClusters, kubeconfigOf, stopDetached } from './detached.ts';
import { clusterFolder, clustersFolder } from './directories.ts';
import { kubernetesVersion } from './programs.ts';
import { startPrograms } from './start.ts';

const usage = `npm run cluster -- COMMAND [--name NAME]

  up          start a Kubernetes ${kubernetesVersion} control plane with a fake node, on loopback; it keeps running
  kubeconfig  print the path of its administrator's kubeconfig
  status      list the clusters that run
  down        stop it and delete its data (--all: every one)

  --name NAME one of several clusters; default: dev
  --audit     with up: write an audit log of all requests
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: 'string', default: 'dev' },
      audit: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const [command, ...more] = positionals;
  if (values.help || command === undefined || more.length > 0) {
    console.error(usage);
    return values.help ? 0 : 2;
  }
  if (!/^[a-z0-9][a-z0-9-]{0,40}$/.test(values.name)) {
    console.error(`--name ${values.name}: use lower-case letters, digits and dashes.`);
    return 2;
  }
  switch (command) {
    case 'up':
      return await up(values.name, values.audit);
    case 'down':
      return await down(values.all ? detachedClusters().map((one) => one.name) : [values.name]);
    case 'kubeconfig':
      return kubeconfig(values.name);
    case 'status':
      return status();
    default:
      console.error(`There is no command ${command}.\n\n${usage}`);
      return 2;
  }
}

async function up(name: string, audit: boolean): Promise<number> {
  if (kubeconfigOf(name) === undefined) {
    const began = Date.now();
    await startPrograms({ name, audit, detached: true });
    console.error(`The cluster ${name} runs (started in ${((Date.now() - began) / 1000).toFixed(1)} s).`);
  } else {
    console.error(`The cluster ${name} runs already.`);
  }
  const option = name === 'dev' ? '' : ` --name ${name}`;
  console.error(`Logs: ${clusterFolder(name)}/logs\n`);
  console.log(`export KUBECONFIG=${kubeconfigOf(name)}`);
  console.error(
    `\nkubectl and the tasks (npm run task) then talk to it. Stop it with: npm run cluster -- down${option}`,
  );
  return 0;
}

async function down(names: readonly string[]): Promise<number> {
  for (const name of names) {
    console.error((await stopDetached(name)) ? `The cluster ${name} is stopped.` : `No cluster ${name} runs.`);
  }
  return 0;
}

function kubeconfig(name: string): number {
  const path = kubeconfigOf(name);
  if (path === undefined) {
    console.error(`No cluster ${name} runs. Start it with: npm run cluster -- up --name ${name}`);
    return 1;
  }
  console.log(path);
  return 0;
}

function status(): number {
  const all = detachedClusters();
  for (const one of all) console.log(`${one.name}\t${one.server}\t${kubeconfigOf(one.name)}`);
  if (all.length === 0) console.error(`No cluster runs (looked in ${clustersFolder()}).`);
  return 0;
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  return 1;
});
