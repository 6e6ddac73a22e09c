import type { Scene } from './scenes.ts';

const isColoured = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined;
const paint = (code: string, text: string) => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text);

export function heading(text: string): void {
  console.log(`\n${paint('1;36', text)}\n${paint('36', '-'.repeat(Math.min(100, text.length)))}`);
}

export function say(text: string): void {
  console.log(text);
}

/** What a scene is about, wrapped. */
export function told(text: string): void {
  console.log(paint('2', wrap(text, 100)));
}

/** What somebody does. */
export function command(text: string): void {
  console.log(`\n${paint('33', `$ ${text}`)}`);
}

/** A line of the task's log as a person sees it in the pipeline. */
export function logLine(line: string): void {
  const match = /^##\[(\w+)\](.*)$/.exec(line);
  if (match === null) {
    console.log(`  | ${line}`);
    return;
  }
  const colours: Record<string, string> = { error: '31', warning: '33', section: '32' };
  console.log(
    `  | ${paint(colours[match[1] ?? ''] ?? '0', match[1] === 'section' ? `== ${match[2]}` : `${match[1]}: ${match[2]}`)}`,
  );
}

export function outro(results: readonly { scene: Scene; problem: string | undefined }[], milliseconds: number): void {
  heading('What you have seen');
  for (const { scene, problem } of results) {
    const mark = problem === undefined ? paint('32', 'ok    ') : paint('31', 'failed');
    console.log(`  ${mark} ${scene.lesson}`);
  }
  console.log(`
Everything was real: the API server and its controllers, the Git server, the packed extension under
Node as the agent starts it. Nothing was installed in the cluster, and everything is cleaned up.
It took ${Math.round(milliseconds / 1000)} s.

Where to look next
  examples/pipelines/azure-pipelines.yml   the lines to paste into your own repository
  docs/gitops-sync.md                      every input, every outcome, and what to do about it
  npm run task -- GitOpsSync --help        run the packed task against a cluster of yours
  npm run cluster -- up                    a control plane of your own to play with`);
}

function wrap(text: string, width: number): string {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const last = lines.length - 1;
    const line = lines[last] ?? '';
    if (line.length + word.length + 1 > width) lines.push(word);
    else lines[last] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}
