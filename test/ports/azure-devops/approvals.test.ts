import assert from 'node:assert/strict';
import { NotPermittedError, RefusedError } from '../../../lib/errors.ts';
import { stageApprovals } from '../../../lib/ports/azure-devops/approvals.ts';
import { type AzureDevOps, startAzureDevOps } from '../../azure-devops/server.ts';

const id = (number: number) => `6c3a1b0e-0000-4000-8000-${String(number).padStart(12, '0')}`;
const person = (name: string, number: number) => ({
  displayName: name,
  id: id(number),
  uniqueName: `${name}@example.com`,
});

describe('the approvals of a stage', () => {
  let service: AzureDevOps;

  before(async () => {
    service = await startAzureDevOps();
  });
  after(() => service.stop());
  afterEach(() => {
    service.forgetFailures();
    service.assertValid();
  });

  const connect = () =>
    stageApprovals({
      collectionUrl: service.collectionUrl,
      token: service.token,
      network: { proxyBypass: [], skipCertValidation: false },
      retry: { delay: 1 },
    });

  /** A stage with its checkpoint; each approval below it is a record whose id is the approval's. */
  const stage = (name: string, number: number, approvals: readonly number[], more: object = {}) => [
    { id: id(number), type: 'Stage', identifier: name, name: `Deploy ${name}`, attempt: 1, ...more },
    { id: id(number + 1), parentId: id(number), type: 'Checkpoint', name: 'Checkpoint' },
    {
      id: id(number + 2),
      parentId: id(number + 1),
      type: 'Checkpoint.Authorization',
      name: 'Checkpoint.Authorization',
    },
    ...approvals.map((one) => ({ id: id(one), parentId: id(number + 1), type: 'Checkpoint.Approval' })),
  ];

  describe('of a YAML pipeline', () => {
    const of = (name: string, more: object = {}) =>
      connect().ofBuild({ project: service.project.name, buildId: '7', stage: name, ...more });

    before(() => {
      service.addTimeline(7, [
        ...stage('production', 100, [900, 901], {
          attempt: 2,
          previousAttempts: [{ attempt: 1, timelineId: id(500), recordId: id(100) }],
        }),
        ...stage('test', 200, []),
        ...stage('staging', 300, [902]),
      ]);
      service.addTimeline(7, stage('production', 100, [903]), id(500));
      service.addApproval({
        id: id(900),
        status: 'approved',
        steps: [
          { status: 'approved', actualApprover: person('pat', 1), lastModifiedOn: '2026-11-23T10:00:00Z' },
          { status: 'skipped', assignedApprover: person('not-asked', 2) },
        ],
      });
      service.addApproval({ id: id(901), steps: [{ status: 'approved', actualApprover: person('sam', 3) }] });
      service.addApproval({ id: id(902), steps: [{ status: 'rejected', actualApprover: person('no', 4) }] });
      service.addApproval({ id: id(903), steps: [{ status: 'approved', actualApprover: person('earlier', 5) }] });
    });

    it('are those of all its approvals, with the time', async () => {
      assert.deepEqual(await of('production'), [
        { name: 'pat', id: id(1), uniqueName: 'pat@example.com', at: '2026-11-23T10:00:00Z' },
        { name: 'sam', id: id(3), uniqueName: 'sam@example.com' },
      ]);
    });

    it('are nobody where nobody was asked, and nobody where it was rejected', async () => {
      assert.deepEqual(await of('test'), []);
      assert.deepEqual(await of('staging'), []);
    });

    it('are those of the asked attempt', async () => {
      assert.deepEqual((await of('production', { attempt: '2' })).length, 2);
      assert.deepEqual(
        (await of('production', { attempt: '1' })).map(({ name }) => name),
        ['earlier'],
      );
      await assert.rejects(of('test', { attempt: '3' }), /Attempt 3 of the stage test is not kept/);
    });

    it('cannot be told of a stage that the run does not have, nor of a run that is gone', async () => {
      await assert.rejects(
        of('nowhere'),
        (error) => error instanceof RefusedError && /no stage nowhere/.test(error.message),
      );
      await assert.rejects(
        of('production', { buildId: '8' }),
        (error) => error instanceof RefusedError && error.status === 404,
      );
    });

    it('name the permission when they may not be seen', async () => {
      service.fail({ operation: 'Approvals_Query', kind: 403, message: 'Access denied.' });
      await assert.rejects(of('production'), (error) => {
        assert.ok(error instanceof NotPermittedError);
        assert.match(error.message, /the permission "View builds" on the pipeline/);
        return true;
      });
    });

    it('are asked for with the token as a bearer, at the collection only', async () => {
      const from = service.requests.length;
      await of('production');
      const seen = service.requests.slice(from);
      assert.ok(seen.every((request) => request.authorization === 'bearer' && request.apiVersion === '7.1'));
      assert.deepEqual(
        seen.map((request) => request.operation),
        ['Timeline_Get', 'Approvals_Query'],
      );
    });
  });

  describe('of a classic release', () => {
    const approval = (name: string, number: number, more: object = {}) =>
      service.addReleaseApproval({
        id: number,
        approvalType: 'preDeploy',
        status: 'approved',
        isAutomated: false,
        attempt: 1,
        approver: { displayName: 'Team', id: id(50) },
        approvedBy: person(name, number),
        modifiedOn: '2026-11-23T10:00:00Z',
        release: { id: 14 },
        releaseEnvironment: { id: 1, name: 'Production' },
        ...more,
      });
    const of = (more: object = {}) =>
      connect().ofRelease({ project: service.project.name, releaseId: '14', stage: 'Production', ...more });

    before(() => {
      approval('pat', 1);
      approval('automatic', 2, { isAutomated: true });
      approval('other-stage', 3, { releaseEnvironment: { id: 2, name: 'Test' } });
      approval('afterwards', 4, { approvalType: 'postDeploy' });
      approval('other-release', 5, { release: { id: 15 } });
      approval('waiting', 6, { status: 'pending' });
      approval('again', 7, { attempt: 2 });
    });

    it('are those of people, before the deployment of this stage and attempt', async () => {
      const approvers = await of({ attempt: '1' });
      assert.deepEqual(approvers, [
        { name: 'pat', id: id(1), uniqueName: 'pat@example.com', at: '2026-11-23T10:00:00Z' },
      ]);
      assert.deepEqual(
        (await of({ attempt: '2' })).map(({ name }) => name),
        ['again'],
      );
    });

    it('are asked for at the host that the collection names for Release Management', async () => {
      const from = service.requests.length;
      await of();
      const paths = service.requests.slice(from).map(({ path }) => path);
      assert.deepEqual(paths, ['/contoso/_apis/resourceAreas', '/contoso/shop/_apis/release/approvals']);
    });
  });
});
