import { InputError } from '../../errors.ts';
import { changesetNumber, changesetRelation, refuseShelveset } from './changesets.ts';
import { decideOrder } from './decide.ts';
import type { VerifiedSource, VerifySourceOptions } from './source.ts';

/**
 * The same question for a workspace of TFVC: a shelveset is refused, and so is a changeset older than the deployed one. A changeset is
 * checked in by being one, so there is no branch to ask; which folder counts is what the pipeline maps.
 */
export function verifyChangeset(options: VerifySourceOptions): VerifiedSource {
  const { agent, allowOlder, allowUnmerged, deployed } = options;
  const { repository } = agent.host;
  const warnings: string[] = [];
  if (!allowUnmerged) refuseShelveset(agent.host);
  else warnings.push('allowUnmerged is set: it is not asked whether the sources are checked in.');
  if (repository?.version === undefined) {
    throw new InputError('The run does not say which changeset of TFVC it was started for (Build.SourceVersion).');
  }
  const changeset = changesetNumber(repository.version);
  const relation = deployed === undefined ? 'same' : changesetRelation(changeset, deployed.commit);
  const warning =
    deployed === undefined
      ? undefined
      : decideOrder({
          commit: String(changeset),
          deployed,
          relation,
          allowOlder,
          allowUnmerged,
          hostType: agent.host.type,
        });
  return {
    commit: String(changeset),
    branch: repository.ref ?? '$/',
    ...(repository.ref === undefined ? {} : { ref: repository.ref }),
    repository: repository.name ?? repository.ref ?? '$/',
    ancestry: 'none',
    warnings: warning === undefined ? warnings : [...warnings, warning],
  };
}
