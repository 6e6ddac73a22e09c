import { InputError } from '../../errors.ts';
import type { Host } from '../../ports/agent/agent.ts';
import type { Relation } from './decide.ts';

/**
 * TFVC numbers its changesets in one sequence for the whole collection, so their order is the order of the numbers.
 *
 * @param version `Build.SourceVersion` of a TFVC build: `123` or `C123`
 */
export function changesetNumber(version: string): number {
  const digits = /^C?(\d{1,9})$/i.exec(version.trim())?.[1];
  if (digits === undefined) throw new InputError(`"${version}" is not the number of a changeset.`);
  return Number(digits);
}

/** How one changeset stands to the deployed one; `unknown` when what is deployed is no changeset. */
export function changesetRelation(changeset: number, deployed: string): Relation {
  if (!/^C?\d{1,9}$/i.test(deployed.trim())) return 'unknown';
  const before = changesetNumber(deployed);
  if (changeset === before) return 'same';
  return changeset > before ? 'newer' : 'older';
}

/** Refuses a build of a shelveset (`Build.SourceBranch` is then the shelveset's name and owner): it is not checked in. */
export function refuseShelveset(host: Pick<Host, 'repository'>): void {
  const ref = host.repository?.ref;
  if (ref === undefined || ref.startsWith('$/')) return;
  throw new InputError({
    message: `This run builds the shelveset ${ref}, which is not checked in. Deploy from a folder such as $/project/main; for development only, set allowUnmerged.`,
    input: 'allowUnmerged',
    code: 'unmerged',
  });
}
