import type { AgentCommand } from '../command-parser.ts';
import type { HostType, Step } from '../step.ts';

/** One `area.event` of the agent. */
export interface CommandHandler {
  readonly aliases?: readonly string[];
  /** Still obeyed when task.json says `restrictions.commands.mode: restricted`. */
  readonly allowedWhenRestricted: boolean;
  /** Throws CommandError for what makes the agent fail the step. */
  run(step: Step, command: AgentCommand): void;
}

/** All events of an area, and the hosts that know it. Names in lower case. */
export interface CommandArea {
  readonly hosts: readonly HostType[];
  readonly events: Readonly<Record<string, CommandHandler>>;
}

export const allHosts: readonly HostType[] = ['build', 'release', 'deployment'];
