import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tl from 'azure-pipelines-task-lib/task.js';

const temp = tl.getVariable('Agent.TempDirectory') ?? '';
const cluster = tl.getInputRequired('cluster');
const token = tl.getEndpointAuthorizationParameterRequired(cluster, 'apiToken');
const decoded = Buffer.from(token, 'base64').toString();
tl.setSecret(decoded);
console.log(`${tl.getEndpointUrl(cluster, false)} by ${decoded}`);
console.log(`own variables: ${tl.getVariable('my.own variable')}, ${tl.getVariable('my.secret')}`);

tl.warning(tl.getInput('message') ?? '');
tl.setProgress(40, 'half-way; 100% [sure]');
const summary = path.join(temp, 'summary.md');
writeFileSync(summary, '# Done\n');
tl.uploadSummary(summary);
const report = path.join(temp, 'report; 1%.xml');
writeFileSync(report, '<testsuites/>\n');
new tl.TestPublisher('JUnit').publish([report], 'true', '', '', 'sample', 'true', 'sample');
tl.setVariable('outcome', 'applied; 100% [all]\nof it');
tl.setVariable('later', 'a secret for later', true);
tl.setResult(tl.TaskResult.SucceededWithIssues, 'with issues');
