import { minimatch } from 'minimatch';

/** `restrictions` of task.json (agent: TaskRestrictionsChecker.cs). */
export interface TaskRestrictions {
  readonly commands?: { readonly mode?: string };
  readonly settableVariables?: { readonly allowed?: readonly string[] };
}

/** Mode `restricted` leaves only commands that the agent marks as harmless. */
export function isCommandAllowed(
  restrictions: TaskRestrictions | undefined,
  allowedInRestrictedMode: boolean,
): boolean {
  return restrictions?.commands?.mode?.toLowerCase() !== 'restricted' || allowedInRestrictedMode;
}

/** No list allows everything, an empty list nothing. `PATH` stands for task.prependpath. */
export function isVariableSettable(restrictions: TaskRestrictions | undefined, name: string): boolean {
  const allowed = restrictions?.settableVariables?.allowed;
  return allowed === undefined || allowed.some((pattern) => minimatch(name, pattern, { nocase: true }));
}
