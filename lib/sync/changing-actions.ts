/** Actions that change the cluster's objects; all others only look. */
export const changingActions = ['sync', 'apply', 'rollback', 'destroy'] as const;

export type ChangingAction = (typeof changingActions)[number];

export function isChanging(action: string): action is ChangingAction {
  return (changingActions as readonly string[]).includes(action);
}
