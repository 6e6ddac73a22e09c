import type { Agent, IssuePlace, TaskResult } from '../../../lib/ports/agent/agent.ts';

export interface Issue {
  readonly type: 'warning' | 'error';
  readonly text: string;
  readonly at: IssuePlace | undefined;
}

/** An agent that only remembers what it was told. */
export function fakeAgent(tempDirectory: string) {
  const told = {
    /** Everything printed, in order; sections as `## title`. */
    log: [] as string[],
    issues: [] as Issue[],
    outputs: {} as Record<string, string>,
    attachments: [] as { type: string; name: string; file: string }[],
    summaries: [] as string[],
    testResults: [] as { file: string; title: string }[],
    completed: [] as { result: TaskResult; message: string }[],
  };
  const issue = (type: Issue['type']) => (text: string, at?: IssuePlace) => {
    told.issues.push({ type, text, at });
  };
  const nothing = () => undefined;
  const agent: Agent = {
    host: { type: 'build' },
    log: {
      info: (text) => told.log.push(text),
      debug: nothing,
      warning: issue('warning'),
      error: issue('error'),
      section: (title) => told.log.push(`## ${title}`),
      group: nothing,
      endGroup: nothing,
    },
    cancelled: new AbortController().signal,
    workingDirectory: tempDirectory,
    tempDirectory,
    network: { proxyBypass: [], skipCertValidation: false },
    input: nothing,
    variable: nothing,
    connection: () => {
      throw new Error('There are no connections here.');
    },
    systemConnection: nothing,
    maskSecret: nothing,
    setOutput: (name, value) => {
      told.outputs[name] = value;
    },
    attach: (type, name, file) => {
      told.attachments.push({ type, name, file });
    },
    addSummary: (file) => {
      told.summaries.push(file);
    },
    publishTestResults: (file, title) => {
      told.testResults.push({ file, title });
    },
    progress: nothing,
    complete: (result, message) => {
      told.completed.push({ result, message });
    },
  };
  return { agent, told };
}
