import { glob } from 'tinyglobby';

/** Shared by suites: the VSIX, a running control plane, and the programs of other projects that tests run. */
export type Need = 'cluster' | 'tools' | 'vsix';

/** A part of `npm test`: run alone, in a time that it has to keep. */
export interface Suite {
  readonly name: string;
  /** Runs only when it is named. */
  readonly onlyByName?: true;
  /** What a developer waits for; a suite that takes longer has failed. */
  readonly budgetSeconds: number;
  /** Made once, before the first suite that wants it. */
  readonly needs: readonly Need[];
  /** One test each, by exit code. */
  readonly commands?: readonly Command[];
  /** Mocha files, as globs from the repository. */
  readonly specs?: readonly string[];
}

export interface Command {
  readonly title: string;
  /** Script of package.json. */
  readonly script: string;
}

const CLUSTER = ['test/cluster/**/*.test.ts', 'test/**/*.cluster.test.ts'];
const TASKS = ['test/tasks/**/*.test.ts'];
/** What tests are run with: the agent's stand-in, and the building of other projects' programs. */
const HARNESS = ['test/agent/**/*.test.ts', 'test/tools/**/*.test.ts'];

/** Git servers and Azure DevOps, and what talks to them. */
const SERVERS = [
  'test/azure-devops/**/*.test.ts',
  'test/ports/git/**/*.test.ts',
  'test/ports/azure-devops/**/*.test.ts',
  'test/core/source/**/*.test.ts',
  'test/core/record/**/*.test.ts',
];

const LONG = ['test/**/*.long.test.ts'];

/** Cheapest first, so that a mistake shows early. */
export const SUITES: readonly Suite[] = [
  {
    name: 'checks',
    budgetSeconds: 60,
    needs: [],
    commands: [
      { title: 'TypeScript finds no mistake', script: 'check:types' },
      { title: 'Biome finds no mistake, and imports go downwards only', script: 'check:lint' },
    ],
  },
  // Whatever no other suite claims, so that no file is forgotten.
  { name: 'unit', budgetSeconds: 120, needs: ['tools'], specs: ['test/**/*.test.ts'] },
  { name: 'servers', budgetSeconds: 120, needs: [], specs: SERVERS },
  { name: 'harness', budgetSeconds: 90, needs: ['tools', 'vsix'], specs: HARNESS },
  { name: 'cluster', budgetSeconds: 330, needs: ['tools', 'cluster'], specs: CLUSTER },
  { name: 'tasks', budgetSeconds: 360, needs: ['tools', 'cluster', 'vsix'], specs: TASKS },
  {
    name: 'demo',
    budgetSeconds: 120,
    needs: ['vsix'],
    commands: [{ title: 'The demo runs from the first merge to the clean-up', script: 'demo' }],
  },
  // The long forms of other tests; each prints the seed that repeats it.
  { name: 'long', onlyByName: true, budgetSeconds: 3600, needs: ['tools', 'cluster', 'vsix'], specs: LONG },
];

/** The suites of these names, or all that need no naming. @throws for a name that is none. */
export function selectSuites(names: readonly string[]): Suite[] {
  const known = SUITES.map((suite) => suite.name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`There is no suite ${unknown.join(', ')}; there are ${known.join(', ')}`);
  return SUITES.filter((suite) => (names.length === 0 ? suite.onlyByName !== true : names.includes(suite.name)));
}

/** The test files of a suite. A file belongs to one suite: that of its folder, or `cluster` by its name. */
export async function specFiles(suite: Suite, root: string): Promise<string[]> {
  const ignore = suite.name === 'long' ? [] : [...LONG];
  if (suite.name === 'unit') ignore.push(...CLUSTER, ...TASKS, ...HARNESS, ...SERVERS);
  if (['tasks', 'harness', 'servers'].includes(suite.name)) ignore.push('test/**/*.cluster.test.ts');
  return (await glob([...(suite.specs ?? [])], { cwd: root, ignore })).sort();
}
