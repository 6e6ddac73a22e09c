/** A person, a group or a service as Azure DevOps names it. */
export interface Identity {
  /** As Azure DevOps shows it. */
  readonly name: string;
  /** A GUID. */
  readonly id?: string;
  /** Usually an e-mail address; `Build\<guid>` of a build service. */
  readonly uniqueName?: string;
}

/** What the service sends as an `IdentityRef`; undefined when it names nobody. */
export function identityOf(ref: unknown): Identity | undefined {
  if (typeof ref !== 'object' || ref === null) return undefined;
  const { displayName, id, uniqueName } = ref as Record<string, unknown>;
  const name = [displayName, uniqueName, id].find((one) => typeof one === 'string' && one !== '');
  if (typeof name !== 'string') return undefined;
  return {
    name,
    ...(typeof id === 'string' && id !== '' ? { id } : {}),
    ...(typeof uniqueName === 'string' && uniqueName !== '' ? { uniqueName } : {}),
  };
}
