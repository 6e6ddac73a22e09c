import { InputError } from '../../errors.ts';
import { changesetNumber, changesetRelation, refuseShelveset } from './changesets.ts';
import { decideOrder } from './decide.ts';
import { orReport } from './locate-source.ts';
import type { VerifiedSource, VerifySourceOptions } from './source.ts';

/**
 * The same question for a workspace of TFVC: a shelveset is refused, and so is a changeset older than the deployed one. A changeset is
 * checked in by being one, so there is no branch to ask; which folder counts is what the pipeline maps.
 */
export async function verifyChangeset(options: VerifySourceOptions): Promise<VerifiedSource> {
  const { agent, allowOlder, allowUnmerged, deployed } = options;
  const { repository } = agent.host;
  const warnings: string[] = [];
  if (allowUnmerged) warnings.push('It is not asked whether the sources are checked in, because allowUnmerged is set.');
  else await orReport(options, warnings, () => refuseShelveset(agent.host), undefined);
  if (repository?.version === undefined) {
    throw new InputError('The run does not say which changeset of TFVC it was started for (Build.SourceVersion).');
  }
  const changeset = changesetNumber(repository.version);
  const order = () => {
    if (deployed === undefined) return undefined;
    const relation = changesetRelation(changeset, deployed.commit);
    const hostType = agent.host.type;
    return decideOrder({ commit: String(changeset), deployed, relation, allowOlder, allowUnmerged, hostType });
  };
  const warning = await orReport(options, warnings, order, undefined);
  return {
    commit: String(changeset),
    branch: repository.ref ?? '$/',
    ...(repository.ref === undefined ? {} : { ref: repository.ref }),
    repository: repository.name ?? repository.ref ?? '$/',
    ancestry: 'none',
    warnings: warning === undefined ? warnings : [...warnings, warning],
  };
}
