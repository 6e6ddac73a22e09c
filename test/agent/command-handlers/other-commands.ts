import { statSync } from 'node:fs';
import path from 'node:path';
import type { AgentCommand } from '../command-parser.ts';
import { CommandError } from '../command-record.ts';
import type { Step } from '../step.ts';
import { allHosts, type CommandArea, type CommandHandler } from './command-handler.ts';
import { required, summaryType } from './task-commands.ts';

/** The area `build` (agent: BuildCommandExtension.cs). In a release it would work on the primary artifact's build. */
export const buildCommands: CommandArea = {
  hosts: allHosts,
  events: {
    uploadlog: onBuild((step, command) => step.queueUpload('log', 'log', path.basename(command.data), command.data)),
    uploadsummary: onBuild((step, command) =>
      step.queueUpload('summary', summaryType, path.basename(command.data), command.data),
    ),
    updatebuildnumber: onBuild((step, command) => {
      step.buildNumber = dataOf(command, 'a build number');
    }),
    addbuildtag: onBuild((step, command) => {
      step.buildTags.push(dataOf(command, 'a tag'));
    }),
  },
};

/** The area `artifact` (agent: ArtifactCommandExtension.cs). */
export const artifactCommands: CommandArea = {
  hosts: ['build', 'release'],
  events: {
    associate: unrestricted((_step, command) => {
      required(command, 'artifactname');
      dataOf(command, 'a location');
    }),
    upload: unrestricted((step, command) => {
      required(command, 'artifactname');
      const location = dataOf(command, 'a path');
      if (step.options.host !== 'build') {
        throw new CommandError(`artifact.upload is not supported in a ${step.options.host}.`);
      }
      if (statSync(location, { throwIfNoEntry: false }) === undefined) {
        throw new CommandError(`Path does not exist: ${location}`, 'missing-file');
      }
    }),
  },
};

/** The area `results` (agent: ResultsCommandExtension.cs). Files come in the data, or else in `resultFiles`. */
export const resultsCommands: CommandArea = {
  hosts: allHosts,
  events: {
    publish: unrestricted((step, command) => {
      const files = command.data.trim() === '' ? required(command, 'resultfiles') : command.data;
      const type = required(command, 'type');
      for (const file of files.split(',')) step.queueUpload('testResults', type, path.basename(file), file);
    }),
    publishtoevidencestore: unrestricted(() => undefined),
  },
};

export const codeCoverageCommands: CommandArea = {
  hosts: ['build'],
  events: { publish: unrestricted((_step, command) => void required(command, 'summaryfile')) },
};

export const releaseCommands: CommandArea = {
  hosts: ['release', 'deployment'],
  events: {
    updatereleasename: unrestricted((step, command) => {
      step.releaseName = dataOf(command, 'a release name');
    }),
  },
};

export const telemetryCommands: CommandArea = {
  hosts: allHosts,
  events: {
    publish: {
      allowedWhenRestricted: true,
      run: (_step, command) => {
        required(command, 'area');
        required(command, 'feature');
        JSON.parse(command.data);
      },
    },
  },
};

function unrestricted(run: CommandHandler['run']): CommandHandler {
  return { allowedWhenRestricted: false, run };
}

function onBuild(run: CommandHandler['run']): CommandHandler {
  return unrestricted((step: Step, command: AgentCommand) => {
    if (step.options.variables.number('Build.BuildId') === undefined) {
      throw new CommandError(`${command.area}.${command.event} needs the variable Build.BuildId.`);
    }
    run(step, command);
  });
}

function dataOf(command: AgentCommand, what: string): string {
  if (command.data.trim() === '') throw new CommandError(`${command.area}.${command.event} needs ${what}.`);
  return command.data;
}
