import { describeId } from '../core/objects/kubernetes-object.ts';
import { CancelledError, GitOpsError, type Problem } from '../errors.ts';
import type { Json } from '../ports/kubernetes/kubernetes-client.ts';
import type { RenderedContext } from './action-result.ts';
import type { Applied } from './apply-stages.ts';
import type { Assessment } from './assess.ts';
import { describeDiagnosis, diagnose } from './diagnosis.ts';
import { partOfLabel } from './sync-set.ts';
import { type ObjectResult, type WaitProgress, type WaitTarget, waitForHealth } from './wait.ts';

/** How the wait went. */
export interface HealthReport {
  readonly outcome: 'healthy' | 'healthFailed' | 'healthTimeout' | 'connectionLost';
  /** By key of the object. */
  readonly objects: ReadonlyMap<string, ObjectResult>;
  readonly problems: readonly Problem[];
  readonly notes: readonly string[];
}

/** Waits for what the input `wait` names. Undefined when there is nothing to wait for, or the wait was cancelled. */
export async function waitFor(
  context: RenderedContext,
  assessment: Assessment,
  applied: readonly Applied[],
): Promise<HealthReport | undefined> {
  const keys: string[] = [];
  const targets: WaitTarget[] = [];
  const answers = new Map(
    applied.flatMap((result) =>
      result.state === 'done' ? [[result.decision.target.key, result.answer] as const] : [],
    ),
  );
  for (const { decision } of assessment.preflight.prepared) {
    const { key, id, resource, manifest } = decision.target;
    const object = answers.get(key) ?? decision.live;
    if (context.options.wait === 'none' || (context.options.wait === 'changed' && !answers.has(key))) continue;
    keys.push(key);
    targets.push({
      id,
      resource,
      origin: manifest.origin,
      ...(object?.metadata.uid !== undefined && { uid: object.metadata.uid }),
      ...(object !== undefined && { object: object as Json }),
    });
  }
  if (targets.length === 0) return undefined;
  try {
    const result = await waitForHealth(context.client, targets, {
      timeoutMs: context.options.timeout,
      signal: context.signal,
      labelSelector: `${partOfLabel}=${context.set.applySetId}`,
      onProgress: progressTeller(context),
    });
    const objects = new Map(result.objects.map((object, index) => [keys[index] as string, object]));
    return { outcome: result.outcome, objects, notes: result.notes, problems: result.objects.flatMap(problemOf) };
  } catch (error) {
    if (error instanceof CancelledError) return undefined;
    if (!(error instanceof GitOpsError)) throw error;
    // What was applied has to be recorded all the same; that nobody could look is no pass.
    const message = `Whether the objects became healthy could not be found out: ${error.message}`;
    return {
      outcome: 'connectionLost',
      objects: new Map(),
      notes: [],
      problems: [{ message, code: 'health-unknown' }],
    };
  }
}

/** For every object that did not become healthy: the lines that tell a person why. By key. */
export async function explainFailures(
  context: RenderedContext,
  report: HealthReport,
  since: Date,
): Promise<Map<string, string[]>> {
  const failed = [...report.objects].filter(
    ([, result]) => result.outcome === 'healthFailed' || result.outcome === 'healthTimeout',
  );
  const explained = new Map<string, string[]>();
  // The first few are enough to find the cause; each costs several requests.
  await Promise.all(
    failed.slice(0, 10).map(async ([key, result]) => {
      try {
        const diagnosis = await diagnose(context.client, result.target, { since, signal: context.signal });
        explained.set(key, describeDiagnosis(diagnosis));
      } catch (error) {
        if (!(error instanceof GitOpsError)) throw error;
        explained.set(key, [`Why could not be found out: ${error.message}`]);
      }
    }),
  );
  return explained;
}

function problemOf(result: ObjectResult): Problem[] {
  if (result.outcome === 'healthy') return [];
  const { id, origin } = result.target;
  const verdict =
    result.outcome === 'healthFailed'
      ? 'will not become healthy'
      : result.outcome === 'healthTimeout'
        ? 'is not healthy yet'
        : 'is out of sight';
  return [
    {
      code: result.outcome,
      message: `${describeId(id)} ${verdict} (${result.health.status}): ${result.health.message}`,
      ...(origin && { at: origin }),
    },
  ];
}

/** Tells when an object became healthy or was given up, and otherwise every ten seconds what is being waited for. */
function progressTeller(context: RenderedContext): (progress: WaitProgress) => void {
  let told = { at: 0, settled: 0 };
  return (progress) => {
    const settled = progress.healthy + progress.failed;
    const isDone = settled === progress.total;
    const isDue = progress.elapsedMs - told.at >= (settled > told.settled ? 1000 : 10_000);
    if (!isDone && !isDue) return;
    told = { at: progress.elapsedMs, settled };
    const percent = 40 + Math.round((50 * progress.healthy) / Math.max(1, progress.total));
    context.progress(percent, `${progress.healthy} of ${progress.total} healthy`);
    const seconds = Math.round(progress.elapsedMs / 1000);
    const lost = progress.connectionLost ? ' (no answer from the cluster at the moment)' : '';
    context.log.info(`  ${seconds} s: ${progress.healthy} of ${progress.total} healthy${lost}`);
    for (const { id, health } of progress.waitingFor.slice(0, 3)) {
      context.log.info(`      ${describeId(id)}: ${health.status}, ${shortened(health.message)}`);
    }
    if (progress.waitingFor.length > 3) context.log.info(`      and ${progress.waitingFor.length - 3} more`);
  };
}

/** The whole text comes with the result. */
function shortened(text: string): string {
  return text.length <= 160 ? text : `${text.slice(0, 157)}...`;
}
