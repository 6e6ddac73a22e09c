import { runTask } from '../../lib/ports/agent/run-task.ts';
import definition from './task.json' with { type: 'json' };

await runTask(async (agent) => {
  const { syncTask } = await import('../../lib/sync/sync-task.ts');
  const { version } = definition;
  await syncTask(agent, `${version.Major}.${version.Minor}.${version.Patch}`);
});
