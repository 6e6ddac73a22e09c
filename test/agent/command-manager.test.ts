import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { processLine } from './command-manager.ts';
import { SecretMasker } from './masking.ts';
import type { TaskRestrictions } from './restrictions.ts';
import { type HostType, Step } from './step.ts';
import { useTempFolder } from './temp-folder.ts';
import { Variables } from './variables.ts';

describe('What a task writes', () => {
  const temp = useTempFolder();

  function newStep(
    more: {
      host?: HostType;
      variables?: Record<string, string>;
      restrictions?: TaskRestrictions;
      outputs?: string[];
    } = {},
  ): Step {
    const variables = new Variables();
    for (const [name, value] of Object.entries(more.variables ?? {})) variables.set(name, value);
    return new Step({
      host: more.host ?? 'build',
      variables,
      masker: new SecretMasker(),
      restrictions: more.restrictions,
      outputs: more.outputs ?? [],
      referenceName: 'deploy',
      repositoryPath: (more.host ?? 'build') === 'build' ? temp.folder : undefined,
      uploadFolder: path.join(temp.folder, 'uploads'),
    });
  }

  const outcome = (step: Step, line: string) => processLine(step, line)?.outcome;

  function file(name: string): string {
    const target = path.join(temp.folder, name);
    writeFileSync(target, 'content\n');
    return target;
  }

  it('is printed when it is no command', () => {
    const step = newStep();
    assert.equal(outcome(step, 'hello'), undefined);
    assert.equal(outcome(step, '##[section]Apply'), undefined);
    assert.deepEqual(step.log, ['hello', '##[section]Apply']);
  });

  it('is printed with a warning when it holds the keyword and is no command', () => {
    const step = newStep();
    assert.equal(outcome(step, 'see ##vso[task'), 'malformed');
    assert.deepEqual(step.issueCounts, { error: 0, warning: 1 });
    assert.equal(step.log.at(-1), 'see ##vso[task');
    assert.equal(step.result, undefined);
  });

  it('makes only a warning of an area that the agent does not know, and a failed step of an event that it does not know', () => {
    const step = newStep();
    assert.equal(outcome(step, '##vso[tasks.complete result=Succeeded]'), 'unknown');
    assert.deepEqual([step.issueCounts.warning, step.result], [1, undefined]);
    assert.equal(outcome(step, '##vso[task.completed result=Succeeded]'), 'unknown');
    assert.equal(step.result, 'Failed');
    assert.equal(step.issueCounts.error, 2);
  });

  it('names areas and events without regard to case', () => {
    const step = newStep();
    assert.equal(processLine(step, '##vso[Task.Issue type=Warning]careful')?.name, 'task.logissue');
    assert.deepEqual(step.issues, [{ type: 'warning', message: 'careful' }]);
  });

  describe('as an issue', () => {
    it('keeps the first ten errors and the first ten warnings, and logs all', () => {
      const step = newStep();
      for (let count = 1; count <= 12; count++) {
        processLine(step, `##vso[task.logissue type=error]e${count}`);
        processLine(step, `##vso[task.logissue type=warning]w${count}`);
      }
      assert.equal(step.issues.length, 20);
      assert.equal(step.issues.filter((issue) => issue.type === 'error').at(-1)?.message, 'e10');
      assert.deepEqual(step.issueCounts, { error: 12, warning: 12 });
      assert.deepEqual(step.log.slice(-2), ['##[error]e12', '##[warning]w12']);
    });

    it('has its place; in a build relative to the checkout, in a release as it was written', () => {
      const source = file('web.yaml');
      const line = `##vso[task.logissue type=error;sourcepath=${source};linenumber=7;columnnumber=3;code=E1]wrong`;
      const build = newStep();
      processLine(build, line);
      const place = { type: 'error', message: 'wrong', code: 'E1', line: 7, column: 3 };
      assert.deepEqual(build.issues, [{ ...place, sourcePath: 'web.yaml' }]);
      assert.deepEqual(build.log, ['##[error]web.yaml(7,3): error E1: wrong']);
      const release = newStep({ host: 'release' });
      processLine(release, line);
      assert.deepEqual(release.issues, [{ ...place, sourcePath: source }]);
    });

    it('is an error or a warning, nothing else', () => {
      const step = newStep();
      assert.equal(outcome(step, '##vso[task.logissue type=info]x'), 'failed');
      assert.equal(step.result, 'Failed');
    });

    it('without a type is a warning about itself only', () => {
      const step = newStep();
      assert.equal(outcome(step, '##vso[task.logissue]x'), 'done');
      assert.deepEqual(step.issueCounts, { error: 0, warning: 1 });
      assert.equal(step.result, undefined);
    });
  });

  describe('as a variable', () => {
    it('is an output when it says so or task.json declares it; outputs are read by the name of the step', () => {
      const step = newStep({ outputs: ['outcome'] });
      processLine(step, '##vso[task.setvariable variable=Outcome]applied');
      processLine(step, '##vso[task.setvariable variable=url;isoutput=true]http://x');
      processLine(step, '##vso[task.setvariable variable=plain]p');
      assert.deepEqual(
        step.setVariables.map(({ name, output }) => [name, output]),
        [
          ['Outcome', true],
          ['url', true],
          ['plain', false],
        ],
      );
      const { variables } = step.options;
      assert.deepEqual(
        ['deploy.outcome', 'deploy.url', 'plain', 'outcome'].map((name) => variables.get(name)),
        ['applied', 'http://x', 'p', undefined],
      );
      assert.deepEqual(
        ['deploy.url', 'deploy.outcome'].map((name) => variables.isReadOnly(name)),
        [true, false],
      );
    });

    it('that is secret is masked from then on; of several lines it is refused', () => {
      const step = newStep();
      processLine(step, 'before: s3cret');
      processLine(step, '##vso[task.setvariable variable=a;issecret=true]s3cret');
      processLine(step, 'after: s3cret');
      assert.deepEqual(step.log, ['before: s3cret', 'after: ***']);
      assert.equal(outcome(step, '##vso[task.setvariable variable=a;issecret=true]one%0Atwo'), 'failed');
      const unsafe = newStep({ variables: { SYSTEM_UNSAFEALLOWMULTILINESECRET: 'true' } });
      assert.equal(outcome(unsafe, '##vso[task.setvariable variable=a;issecret=true]one%0Atwo'), 'done');
    });

    it('needs a name, and may not be one of the agent', () => {
      assert.equal(outcome(newStep(), '##vso[task.setvariable]x'), 'failed');
      assert.equal(outcome(newStep(), '##vso[task.setvariable variable=System.AccessToken]x'), 'read-only-variable');
    });

    it('is blocked with a warning only, when task.json does not list it; so is the PATH', () => {
      const step = newStep({ restrictions: { settableVariables: { allowed: ['out*'] } } });
      assert.equal(outcome(step, '##vso[task.setvariable variable=OUTcome]x'), 'done');
      assert.equal(outcome(step, '##vso[task.setvariable variable=PATH]x'), 'blocked-variable');
      assert.equal(outcome(step, '##vso[task.prependpath]/bin'), 'blocked-variable');
      assert.deepEqual([step.issueCounts, step.result], [{ error: 0, warning: 2 }, undefined]);
      assert.deepEqual(step.prependedPaths, []);
      const none = newStep({ restrictions: { settableVariables: { allowed: [] } } });
      assert.equal(outcome(none, '##vso[task.setvariable variable=x]y'), 'blocked-variable');
      assert.equal(outcome(newStep(), '##vso[task.prependpath]/bin'), 'done');
    });
  });

  describe('under restricted commands', () => {
    const restrictions = { commands: { mode: 'Restricted' } };

    for (const line of [
      '##vso[task.logissue type=warning]x',
      '##vso[task.setvariable variable=a]x',
      '##vso[task.settaskvariable variable=a]x',
      '##vso[task.setsecret]xyz',
      '##vso[task.setprogress value=1]x',
      '##vso[task.complete result=Succeeded]x',
      '##vso[task.debug]x',
      '##vso[task.prependpath]/x',
      '##vso[telemetry.publish area=a;feature=b]{}',
    ]) {
      it(`${line} is obeyed`, () => assert.equal(outcome(newStep({ restrictions }), line), 'done'));
    }

    for (const line of [
      '##vso[task.uploadsummary]/x',
      '##vso[task.uploadfile]/x',
      '##vso[task.addattachment type=a;name=b]/x',
      '##vso[task.setendpoint id=a;field=url]x',
      '##vso[build.addbuildtag]x',
      '##vso[artifact.upload artifactname=a]/x',
      '##vso[results.publish type=JUnit]/x',
      '##vso[codecoverage.publish summaryfile=a]x',
    ]) {
      it(`${line} is blocked with a warning`, () => {
        const step = newStep({ restrictions });
        assert.equal(outcome(step, line), 'restricted');
        assert.deepEqual([step.issueCounts, step.result], [{ error: 0, warning: 1 }, undefined]);
      });
    }
  });

  describe('on another host', () => {
    const variables = { 'Build.BuildId': '5' };
    for (const [line, build, release, deployment] of [
      ['##vso[task.debug]x', 'done', 'done', 'done'],
      ['##vso[build.addbuildtag]x', 'done', 'done', 'done'],
      ['##vso[artifact.associate artifactname=a;type=b]x', 'done', 'done', 'failed'],
      ['##vso[artifact.upload artifactname=a]/', 'done', 'failed', 'failed'],
      ['##vso[codecoverage.publish summaryfile=a]x', 'done', 'failed', 'failed'],
      ['##vso[release.updatereleasename]x', 'failed', 'done', 'done'],
    ] as const) {
      it(`${line} is ${build} in a build, ${release} in a release, ${deployment} in a deployment`, () => {
        assert.deepEqual(
          (['build', 'release', 'deployment'] as const).map((host) => outcome(newStep({ host, variables }), line)),
          [build, release, deployment],
        );
      });
    }

    it('needs a build for build.* commands', () => {
      assert.equal(outcome(newStep(), '##vso[build.updatebuildnumber]1'), 'failed');
    });
  });

  describe('as an upload', () => {
    it('is copied at once, so that a later change does not reach the copy', () => {
      const step = newStep();
      const source = file('result.json');
      processLine(step, `##vso[task.addattachment type=gitops;name=result]${source}`);
      writeFileSync(source, 'changed\n');
      const [upload] = step.uploads;
      assert.deepEqual([upload?.kind, upload?.type, upload?.name], ['attachment', 'gitops', 'result']);
      assert.notEqual(upload?.copy, source);
      assert.equal(upload?.digest.length, 64);
    });

    it('must exist at that moment and be absolute, else the step fails', () => {
      for (const target of [path.join(temp.folder, 'none'), 'package.json', temp.folder, '']) {
        const step = newStep();
        assert.equal(outcome(step, `##vso[task.uploadsummary]${target}`), 'missing-file', target);
        assert.equal(step.result, 'Failed');
      }
    });

    it('has a type and a name that a file may have', () => {
      const source = file('result.json');
      for (const properties of ['type=a', 'name=b', 'type=a/b;name=c', 'type=a;name=b/c']) {
        assert.equal(outcome(newStep(), `##vso[task.addattachment ${properties}]${source}`), 'failed', properties);
      }
    });

    it('of test results takes the data, else resultFiles, and needs a type', () => {
      const [one, two] = [file('one.xml'), file('two.xml')];
      const step = newStep();
      processLine(step, `##vso[results.publish type=JUnit;runTitle=sync]${one},${two}`);
      processLine(step, `##vso[results.publish type=JUnit;resultFiles=${one};]`);
      assert.deepEqual(
        step.uploads.map((upload) => upload.name),
        ['one.xml', 'two.xml', 'one.xml'],
      );
      assert.equal(outcome(step, `##vso[results.publish]${one}`), 'failed');
    });
  });

  describe('as a result', () => {
    it('is merged to the worst; its text is progress, not log', () => {
      const step = newStep();
      processLine(step, '##vso[task.complete result=SucceededWithIssues]some');
      processLine(step, '##vso[task.complete result=Succeeded]fine');
      assert.equal(step.result, 'SucceededWithIssues');
      assert.deepEqual(step.progress.at(-1), { percent: 100, text: 'fine' });
      assert.deepEqual(step.log, []);
    });

    for (const word of ['Cancelled', 'succeeded', '', 'Done']) {
      it(`"${word}" fails the step`, () => {
        const step = newStep();
        assert.equal(outcome(step, `##vso[task.complete result=${word}]x`), 'failed');
        assert.equal(step.result, 'Failed');
      });
    }
  });

  it('as progress is between 0 and 100', () => {
    const step = newStep();
    for (const value of ['40', '-1', '400', 'x']) processLine(step, `##vso[task.setprogress value=${value}]p`);
    assert.deepEqual(
      step.progress.map((progress) => progress.percent),
      [40, 0, 100, 0],
    );
  });

  it('as debug output is shown only when System.Debug is true, with the commands that were obeyed', () => {
    const quiet = newStep();
    processLine(quiet, '##vso[task.debug]x');
    assert.deepEqual(quiet.log, []);
    const loud = newStep({ variables: { 'system.debug': 'True' } });
    processLine(loud, '##vso[task.debug]x');
    processLine(loud, '##vso[task.setsecret]pass%AZP25word');
    assert.deepEqual(loud.log, ['##[debug]x', '##[debug]Processed: ##vso[task.setsecret]***']);
  });
});
