import type { CommandArea } from './command-handler.ts';
import {
  artifactCommands,
  buildCommands,
  codeCoverageCommands,
  releaseCommands,
  resultsCommands,
  telemetryCommands,
} from './other-commands.ts';
import { taskCommands } from './task-commands.ts';

/** Every area that the agent knows, by its name in lower case. */
export const commandAreas: ReadonlyMap<string, CommandArea> = new Map([
  ['task', taskCommands],
  ['build', buildCommands],
  ['artifact', artifactCommands],
  ['results', resultsCommands],
  ['codecoverage', codeCoverageCommands],
  ['release', releaseCommands],
  ['telemetry', telemetryCommands],
]);
