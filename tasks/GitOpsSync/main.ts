import { runTask } from '../../lib/ports/agent/run-task.ts';
import definition from './task.json' with { type: 'json' };

await runTask(async (agent) => {
  const { Major, Minor, Patch } = definition.version;
  const version = `${Major}.${Minor}.${Patch}`;
  // Before what is large is loaded: whoever watches sees at once that something runs, and what.
  agent.log.info(
    `${definition.name} ${version}: ${agent.input('action') ?? 'sync'} of set ${agent.input('syncSet') ?? '(none)'}`,
  );
  const { syncTask } = await import('../../lib/sync/sync-task.ts');
  await syncTask(agent, version);
});
