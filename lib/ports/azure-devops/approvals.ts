import { RefusedError } from '../../errors.ts';
import { type Identity, identityOf } from './identity.ts';
import { type Asked, type AzureDevOpsOptions, azureDevOpsService } from './service.ts';

/** Somebody who approved. */
export interface StageApprover extends Identity {
  /** ISO 8601. */
  readonly at?: string;
}

export interface StageOfBuild {
  readonly project: string;
  readonly buildId: string;
  /** `System.StageName`; `__default` of a pipeline without stages. */
  readonly stage: string;
  /** `System.StageAttempt`; default: the latest. */
  readonly attempt?: string;
}

export interface StageOfRelease {
  readonly project: string;
  readonly releaseId: string;
  /** `Release.EnvironmentName` */
  readonly stage: string;
  /** `Release.AttemptNumber` */
  readonly attempt?: string;
}

/** Who approved a stage. Without anybody: the stage had no approval. Every method throws our errors only. */
export interface StageApprovals {
  /** Of a YAML pipeline. Needs View builds. */
  ofBuild(stage: StageOfBuild): Promise<StageApprover[]>;
  /** Of a classic release, before its deployment. Needs View releases. */
  ofRelease(stage: StageOfRelease): Promise<StageApprover[]>;
}

/** Release Management may live on a host of its own (`vsrm.dev.azure.com`). */
const RELEASE_AREA = 'efc2f575-36ef-48e9-b672-0c6fb4a48ac5';
/** Approvals are asked for by their ids in the query. */
const IDS_AT_ONCE = 50;

interface TimelineRecord {
  readonly id?: string;
  readonly parentId?: string;
  readonly type?: string;
  readonly name?: string;
  readonly identifier?: string;
  readonly attempt?: number;
  readonly previousAttempts?: readonly { readonly attempt?: number; readonly timelineId?: string }[] | null;
}

interface Approval {
  readonly steps?: readonly {
    readonly status?: string;
    readonly actualApprover?: unknown;
    readonly lastModifiedOn?: string;
  }[];
}

interface ReleaseApproval {
  readonly status?: string;
  readonly isAutomated?: boolean;
  readonly attempt?: number;
  readonly approvedBy?: unknown;
  readonly modifiedOn?: string;
  readonly releaseEnvironment?: { readonly name?: string };
}

export function stageApprovals(options: AzureDevOpsOptions): StageApprovals {
  const service = azureDevOpsService(options);
  return {
    ofBuild: async ({ project, buildId, stage, attempt }) => {
      const asked: Asked = {
        what: `show the approvals of stage ${stage}`,
        where: `run ${buildId} of project ${project}`,
        permission: 'View builds',
        securityPage: 'the pipeline: Pipelines, Security',
      };
      const builds = `${encodeURIComponent(project)}/_apis/build/builds/${encodeURIComponent(buildId)}/timeline`;
      const records = recordsOf(await service.read(asked, builds));
      const record = records.find(({ type, identifier, name }) => type === 'Stage' && (identifier ?? name) === stage);
      if (record === undefined) throw new RefusedError(`Run ${buildId} has no stage ${stage}.`, 404);
      const earlier = earlierTimeline(record, attempt);
      const ids = approvalIds(
        earlier === undefined ? records : recordsOf(await service.read(asked, `${builds}/${earlier}`)),
        stage,
      );
      const approvers: StageApprover[] = [];
      for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
        const approvalIds = ids.slice(from, from + IDS_AT_ONCE).join(',');
        const path = `${encodeURIComponent(project)}/_apis/pipelines/approvals`;
        const found = await service.read(asked, path, { approvalIds, $expand: 'steps' });
        for (const approval of valuesOf<Approval>(found)) approvers.push(...approversOf(approval));
      }
      return approvers;
    },
    ofRelease: async ({ project, releaseId, stage, attempt }) => {
      const asked: Asked = {
        what: `show the approvals of stage ${stage}`,
        where: `release ${releaseId} of project ${project}`,
        permission: 'View releases',
        securityPage: 'the release pipeline: Releases, Security',
      };
      const query = { releaseIdsFilter: releaseId, typeFilter: 'preDeploy', statusFilter: 'approved', top: '500' };
      const path = `${encodeURIComponent(project)}/_apis/release/approvals`;
      const found = valuesOf<ReleaseApproval>(await service.read(asked, path, query, RELEASE_AREA));
      return found
        .filter((one) => one.status === 'approved' && one.isAutomated !== true)
        .filter((one) => one.releaseEnvironment?.name === stage)
        .filter((one) => attempt === undefined || one.attempt === undefined || String(one.attempt) === attempt)
        .flatMap((one) => approver(one.approvedBy, one.modifiedOn));
    },
  };
}

/** The id of the timeline that an earlier attempt of a stage left behind; undefined for the latest attempt. */
function earlierTimeline(record: TimelineRecord, attempt: string | undefined): string | undefined {
  if (attempt === undefined || record.attempt === undefined || String(record.attempt) === attempt) return undefined;
  const earlier = record.previousAttempts?.find((one) => String(one.attempt) === attempt)?.timelineId;
  if (earlier !== undefined) return earlier;
  throw new RefusedError(`Attempt ${attempt} of the stage ${record.identifier ?? record.name} is not kept.`, 404);
}

/**
 * The approvals of a stage are records of the type `Checkpoint.Approval` below the stage's record of the type `Checkpoint`; a record's id is
 * the approval's. The specification lists no types; these are not proven.
 */
function approvalIds(records: readonly TimelineRecord[], stage: string): string[] {
  const below = (parents: readonly TimelineRecord[], type: string) => {
    const ids = new Set(parents.map(({ id }) => id));
    return records.filter((one) => one.type === type && one.parentId !== undefined && ids.has(one.parentId));
  };
  const stages = records.filter(({ type, identifier, name }) => type === 'Stage' && (identifier ?? name) === stage);
  return below(below(stages, 'Checkpoint'), 'Checkpoint.Approval').flatMap(({ id }) => (id === undefined ? [] : [id]));
}

function approversOf(approval: Approval): StageApprover[] {
  return (approval.steps ?? [])
    .filter(({ status }) => status === 'approved')
    .flatMap((step) => approver(step.actualApprover, step.lastModifiedOn));
}

function approver(ref: unknown, at: string | undefined): StageApprover[] {
  const identity = identityOf(ref);
  return identity === undefined ? [] : [{ ...identity, ...(at === undefined ? {} : { at }) }];
}

function recordsOf(timeline: unknown): TimelineRecord[] {
  const { records } = (timeline ?? {}) as { readonly records?: unknown };
  return Array.isArray(records) ? (records as TimelineRecord[]) : [];
}

function valuesOf<T>(list: unknown): T[] {
  const { value } = (list ?? {}) as { readonly value?: unknown };
  return Array.isArray(value) ? (value as T[]) : [];
}
