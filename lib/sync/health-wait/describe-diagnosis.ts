import { describeState } from './container-states.ts';
import type { ContainerLog, Diagnosis } from './diagnosis-model.ts';

/** A diagnosis as lines of a log; what is of the cluster stays recognizable by its indentation. */
export function describeDiagnosis(diagnosis: Diagnosis): string[] {
  const lines = [diagnosis.summary];
  diagnosis.chain.forEach((link, depth) => {
    lines.push(`${'  '.repeat(Math.min(depth, 2) + 1)}${link}`);
  });
  for (const state of diagnosis.containers) {
    lines.push(
      `  Container ${state.container} of Pod ${state.pod} (image ${state.image || 'unknown'}) ${describeState(state)}`,
    );
  }
  for (const log of diagnosis.logs) {
    lines.push(`  Last lines of container ${log.container} of Pod ${log.pod}, ${describeRun(log, diagnosis)}:`);
    for (const line of log.lines) lines.push(`    | ${line}`);
  }
  if (diagnosis.events.length > 0) lines.push('  Warnings of the cluster, newest last:');
  for (const { object, reason, message, count } of diagnosis.events) {
    lines.push(`    ${count === 1 ? '' : `${count} x `}${reason} (${object}): ${message}`);
  }
  for (const note of diagnosis.notes) lines.push(`  Note: ${note}`);
  return lines;
}

/** The log of a container that does not run now is that of its last run. */
function describeRun(log: ContainerLog, { containers }: Diagnosis): string {
  if (log.previous) return 'of the run before';
  const runs = containers.some(
    ({ pod, container, state }) => pod === log.pod && container === log.container && state === 'running',
  );
  return runs ? 'of its present run' : 'of its last run';
}
