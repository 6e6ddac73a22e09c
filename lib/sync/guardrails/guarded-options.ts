/** What a pipeline asks for, as far as guardrails have a say in it; the task's own options fit. */
export interface AskedOptions {
  readonly prune: boolean;
  readonly maxPrune?: number | undefined;
  readonly conflicts: string;
  readonly adopt: string;
  readonly foreignFields: string;
  readonly preflight: string;
  readonly wait: string;
  readonly allowOlder: boolean;
  readonly allowUnmerged: boolean;
  readonly allowEmpty: boolean;
  readonly deleteProtectedKinds: readonly string[];
  readonly breakGlass?: string | undefined;
}

interface GuardedOption {
  /** Without a word in the rule. What can do harm is not allowed. */
  readonly allowedByDefault: boolean;
  /** What the pipeline's author wrote, when it is asked for. */
  asked(action: string, options: AskedOptions): string | undefined;
}

/**
 * The options that a rule can allow. Where an input has harmless values these are listed, so that a value which is added one day is
 * refused until somebody has thought about it.
 */
export const guardedOptions = {
  // Is narrowed instead of refused: see judge.
  prune: { allowedByDefault: true, asked: () => undefined },
  suspend: {
    allowedByDefault: true,
    asked: (action) => (action === 'suspend' || action === 'resume' ? `action: ${action}` : undefined),
  },
  allowOlder: { allowedByDefault: false, asked: (_, { allowOlder }) => flag('allowOlder', allowOlder) },
  allowUnmerged: { allowedByDefault: false, asked: (_, { allowUnmerged }) => flag('allowUnmerged', allowUnmerged) },
  allowEmpty: { allowedByDefault: false, asked: (_, { allowEmpty }) => flag('allowEmpty', allowEmpty) },
  forceConflicts: {
    allowedByDefault: false,
    asked: (_, { conflicts }) => other('conflicts', conflicts, ['auto', 'fail', 'yield']),
  },
  adoptAlways: { allowedByDefault: false, asked: (_, { adopt }) => other('adopt', adopt, ['ifUnowned', 'never']) },
  ignoreForeignFields: {
    allowedByDefault: false,
    asked: (_, { foreignFields }) => other('foreignFields', foreignFields, ['correct', 'report']),
  },
  clientPreflight: { allowedByDefault: false, asked: (_, { preflight }) => other('preflight', preflight, ['server']) },
  noWait: { allowedByDefault: false, asked: (_, { wait }) => other('wait', wait, ['all', 'changed']) },
  deleteProtectedKinds: {
    allowedByDefault: false,
    asked: (_, { deleteProtectedKinds }) =>
      deleteProtectedKinds.length === 0 ? undefined : `deleteProtectedKinds: ${deleteProtectedKinds.join(', ')}`,
  },
  destroy: {
    allowedByDefault: false,
    asked: (action) => (action === 'destroy' ? 'action: destroy' : undefined),
  },
  // Is asked for only when there is a window to open: see freeze/decide.ts.
  breakGlass: { allowedByDefault: false, asked: () => undefined },
} as const satisfies Record<string, GuardedOption>;

export type GuardedOptionName = keyof typeof guardedOptions;
export type AllowedOptions = Readonly<Record<GuardedOptionName, boolean>>;

export const guardedOptionNames = Object.keys(guardedOptions) as GuardedOptionName[];

/** A rule's word on each option, the defaults put in. */
export function allowedOptions(written: Readonly<Partial<Record<GuardedOptionName, boolean>>> = {}): AllowedOptions {
  const entries = guardedOptionNames.map((name) => [name, written[name] ?? guardedOptions[name].allowedByDefault]);
  return Object.fromEntries(entries) as AllowedOptions;
}

function flag(name: string, value: boolean): string | undefined {
  return value ? `${name}: true` : undefined;
}

function other(name: string, value: string, harmless: readonly string[]): string | undefined {
  return harmless.includes(value) ? undefined : `${name}: ${value}`;
}
