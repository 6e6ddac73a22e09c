import type { ContainerState } from './container-states.ts';
import type { WarningEvent } from './warning-events.ts';

/** What a person needs to see why an object is not healthy. All texts may be foreign; secrets are masked by who prints it. */
export interface Diagnosis {
  /** One line: the object and the likeliest reason. */
  readonly summary: string;
  /** From the object down to its Pods, each with how it is: `Pod web-1-x: It is not ready.` */
  readonly chain: readonly string[];
  readonly containers: readonly ContainerState[];
  readonly logs: readonly ContainerLog[];
  /** Warnings since the beginning, newest last. */
  readonly events: readonly WarningEvent[];
  /** What could not be read, what was left out, and what else is worth knowing. */
  readonly notes: readonly string[];
}

export interface ContainerLog {
  readonly pod: string;
  readonly container: string;
  /** Of the run before the last restart. */
  readonly previous: boolean;
  readonly lines: readonly string[];
}
