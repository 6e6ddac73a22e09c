import type { HandlerData } from './task-definition.ts';

/** The agent's folders of Node runtimes that this harness has. */
export type NodeFolder = 'node20_1' | 'node24';

export interface HandlerChoice {
  /** The key of `execution` whose data is used. */
  readonly handler: string;
  readonly folder: NodeFolder;
  readonly data: HandlerData;
}

// Agent: TaskManager.cs, the lowest number wins whatever the order in task.json. Other keys are ignored without a word.
const priorities: Readonly<Record<string, number>> = {
  Node24: 101,
  Node20_1: 102,
  Node16: 103,
  Node10: 104,
  Node: 105,
};

/**
 * Which handler's data the agent uses and which Node it starts. Both are decided apart: data for Node24 is used on Node 20 as
 * long as the knob UseNode24withHandlerData is off, as it is by default (agent: NodeHandler.GetNodeLocationLegacy).
 */
export function chooseHandler(
  execution: Readonly<Record<string, HandlerData>> | undefined,
  knobs: { readonly useNode24WithHandlerData: boolean },
): HandlerChoice {
  const known = Object.entries(execution ?? {})
    .filter(([key]) => key in priorities)
    .sort(([a], [b]) => (priorities[a] ?? 0) - (priorities[b] ?? 0));
  const [handler, data] = known[0] ?? [];
  if (handler === undefined || data === undefined) {
    throw new Error(
      `The agent finds no Node handler in the task's "execution": expected Node24 or Node20_1, found ${Object.keys(execution ?? {}).join(', ') || 'nothing'}.`,
    );
  }
  if (handler !== 'Node24' && handler !== 'Node20_1') {
    throw new Error(
      `The agent would run the task by its ${handler} handler, on a Node that has ended; add Node20_1 and Node24.`,
    );
  }
  const folder = handler === 'Node24' && knobs.useNode24WithHandlerData ? 'node24' : 'node20_1';
  return { handler, folder, data };
}
