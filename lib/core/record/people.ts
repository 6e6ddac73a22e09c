import type { Agent } from '../../ports/agent/agent.ts';

/** A person, a group or a service as Azure DevOps names it. */
export interface Person {
  /** As Azure DevOps shows it: anybody may choose it. */
  readonly name: string;
  /** A GUID. */
  readonly id?: string;
  /** Usually an e-mail address. */
  readonly uniqueName?: string;
}

/**
 * Whether two are the same: by their ids when both are known, else by their unique names; undefined when neither can tell. Display names
 * alone prove nothing, except that two that differ are not said to be the same.
 */
export function samePerson(a: Person, b: Person): boolean | undefined {
  if (a.id !== undefined && b.id !== undefined) return a.id.toLowerCase() === b.id.toLowerCase();
  if (a.uniqueName !== undefined && b.uniqueName !== undefined) {
    return a.uniqueName.toLowerCase() === b.uniqueName.toLowerCase();
  }
  return undefined;
}

/**
 * Who asked for the run. In a classic release the deployment of a stage may be asked for by somebody else than the release. Undefined in a
 * terminal.
 */
export function requesterOf(agent: Pick<Agent, 'host' | 'variable'>): Person | undefined {
  const { requestedFor, type } = agent.host;
  if (requestedFor === undefined) return undefined;
  // The ids of a deployment and of its release may be of two people.
  const ofDeployment = agent.variable('Release.Deployment.RequestedFor') !== undefined;
  const prefix = type !== 'release' ? 'Build' : ofDeployment ? 'Release.Deployment' : 'Release';
  const id = agent.variable(`${prefix}.RequestedForId`);
  const email = agent.variable(`${prefix}.RequestedForEmail`);
  return {
    name: requestedFor,
    ...(id === undefined ? {} : { id }),
    ...(email === undefined ? {} : { uniqueName: email }),
  };
}
