import assert from 'node:assert/strict';
import fc from 'fast-check';
import { code, fenced, markdownSummary, text } from '../../../lib/core/reporting/markdown.ts';
import { foreignResult, hostileText } from './foreign.ts';
import { change, failedRun, planRun, runResult } from './samples.ts';

describe('The summary page', () => {
  it('begins with the outcome, what to do, and what went where from which commit', () => {
    const page = markdownSummary(failedRun);
    assert.ok(
      page.startsWith('## ❌ shop in production: health failed\n\nDeployment.apps shop/api did not become healthy'),
      page,
    );
    assert.match(page, /\| Cluster \| `https:\/\/aks-shop\.example\.com:443`, Kubernetes v1\.36\.3 \|/);
    assert.match(
      page,
      /\| Commit \| `4f0c2b7a9e` “Three replicas for the web shop” by Ada Lovelace on `refs\/heads\/main` in shop-config \|/,
    );
    assert.match(page, /\| Deployed before \| `11aa22bb33` \|/);
    assert.match(
      page,
      /\| Created \| Configured \| Unchanged \| Pruned \| Left alone \| Failed \| Not reached \|\n.*\n\| 1 \| 3 \| 1 \| 0 \| 1 \| 1 \| 1 \|/,
    );
    assert.match(page, /### Next step\n\nRead the details/);
  });

  it('has the details of each failure in a block of code', () => {
    assert.match(
      markdownSummary(failedRun),
      /### Failed: 1 object\n\n\*\*Deployment\.apps shop\/api\*\*: not healthy \(Degraded\) after 30\.4 s, declared in `apps\/api\.yaml:1`\n\ncontainer api: ImagePullBackOff.*\n\n```text\nDeployment\.apps[^`]*not found\n```/,
    );
  });

  it('has the differences of a plan in a part that opens', () => {
    const page = markdownSummary(planRun);
    const block =
      /<details><summary>What a sync would change: 6 objects<\/summary>\n\n```text\n([\s\S]*?)\n```\n\n<\/details>/.exec(
        page,
      )?.[1];
    assert.match(block ?? '', /^~ configure ConfigMap shop\/settings\n/);
    assert.match(block ?? '', /\n {6}~ spec\.replicas: 2 -> 3 \(set by kubectl-edit\)\n/);
    assert.match(block ?? '', /\n- prune {5}ConfigMap shop\/old-settings/);
  });

  it('shows warnings and errors with their places', () => {
    const page = markdownSummary(
      runResult({
        outcome: 'invalidInput',
        errors: [{ message: 'no such file', at: { file: 'a/b.yaml', line: 3 } }, { message: 'plain' }],
      }),
    );
    assert.match(page, /### Errors\n\n- `a\/b\.yaml:3`: no such file\n- plain\n/);
    assert.match(
      markdownSummary(failedRun),
      /### Warnings\n\n- `apps\/pdb\.yaml:1`: policy\/v1beta1 PodDisruptionBudget is deprecated/,
    );
  });

  it('of a run without failures, changes or commit has no empty parts', () => {
    const { source: _, ...bare } = runResult({ outcome: 'noChanges', changes: [change('Service', 'shop/a')] });
    const page = markdownSummary(bare);
    assert.doesNotMatch(page, /###|<details>|Commit|undefined/);
  });

  it('stays below its size and says what it leaves to the JSON report', () => {
    const many = Array.from({ length: 3000 }, (_, index) =>
      change('Deployment.apps', `shop/a-rather-long-name-${index}`, {
        action: 'configure',
        state: index % 3 === 0 ? 'failed' : 'done',
        message: 'm'.repeat(200),
        details: ['d'.repeat(500)],
        fields: [{ path: 'spec.replicas', before: '1', after: '2' }],
      }),
    );
    const problems = Array.from({ length: 3000 }, (_, index) => ({ message: `problem ${index} ${'p'.repeat(100)}` }));
    const page = markdownSummary(
      runResult({ outcome: 'applyFailed', changes: many, errors: problems, warnings: problems }),
      { maxLength: 100_000 },
    );
    assert.ok(page.length < 100_000, String(page.length));
    for (const word of ['error', 'object', 'warning'])
      assert.match(page, new RegExp(`And \\d+ ${word}s more: see \`gitops-result\\.json\``));
    assert.match(page, /### Next step/);
    assert.equal(page.match(/^```/gm)?.length ?? 0, (page.match(/^```text$/gm)?.length ?? 0) * 2);
  });

  it('shows a single item that is larger than the page as a count', () => {
    const huge = change('Service', 'a', { state: 'failed', action: 'create', message: 'm'.repeat(20_000) });
    assert.match(
      markdownSummary(runResult({ changes: [huge] }), { maxLength: 10_000 }),
      /\n1 object: see `gitops-result\.json`\./,
    );
  });

  it('lets foreign text open no HTML, no heading, no link, no cell and no block of code', () => {
    fc.assert(
      fc.property(foreignResult, (result) => {
        const lines = withoutCode(markdownSummary(result));
        const html = lines.join('\n').match(/<[^>]*>?/g) ?? [];
        for (const tag of html) assert.ok(['<details>', '<summary>', '</summary>', '</details>'].includes(tag), tag);
        for (const line of lines.filter((one) => one.startsWith('#')))
          assert.match(line, /^#{2,3} (✅|⚠️|❌|Errors$|Warnings$|Objects$|Failed: \d|Next step$)/u);
        assert.doesNotMatch(lines.join('\n'), /(?<!\\)[[\]]|:\/\//);
      }),
    );
  });

  it('has rows of as many cells as the head of their table', () => {
    fc.assert(
      fc.property(foreignResult, (result) => {
        let width = 0;
        for (const line of markdownSummary(result).split('\n')) {
          if (!line.startsWith('|')) width = 0;
          else if (width === 0) width = cells(line);
          else assert.equal(cells(line), width, line);
        }
      }),
    );
  });
});

describe('Foreign text in Markdown', () => {
  it('is escaped', () => {
    assert.equal(
      text('<b> & `x` | *y* _z_ [a](b) #1 @me ~~s~~'),
      '&lt;b&gt; &amp; \\`x\\` \\| \\*y\\* \\_z\\_ \\[a\\](b) \\#1 \\@me \\~\\~s\\~\\~',
    );
    assert.equal(text('- a'), '\\- a');
    assert.equal(text('1. a'), '1\\. a');
    assert.equal(text('=== a'), '\\=== a');
    assert.equal(text('a\n# b'), 'a \\# b');
    assert.equal(text('see https://example.com'), 'see https:&#47;&#47;example.com');
  });

  it('as code has a fence longer than any inside', () => {
    assert.equal(code('a'), '`a`');
    assert.equal(code('a`b``c'), '```a`b``c```');
    assert.equal(code('`a'), '`` `a ``');
    assert.equal(code('a|b'), '`a\\|b`');
    assert.equal(code(''), '');
    fc.assert(
      fc.property(fc.array(hostileText, { maxLength: 4 }), (lines) => {
        const [open = '', ...rest] = fenced(lines);
        assert.match(open, /^`{3,}$/);
        assert.equal(rest.pop(), open);
        for (const line of rest) assert.ok(!line.includes(open));
      }),
    );
  });
});

/** Lines outside of blocks of code, and those without inline code. */
function withoutCode(page: string): string[] {
  const lines: string[] = [];
  let fence = '';
  for (const line of page.split('\n')) {
    const run = /^`{3,}/.exec(line)?.[0] ?? '';
    if (fence === '') {
      if (run !== '' && /^`+(text)?$/.test(line)) fence = run;
      else lines.push(withoutInlineCode(line));
    } else if (line === fence) fence = '';
  }
  assert.equal(fence, '');
  return lines;
}

/** As CommonMark reads a line: a run of backticks that is not escaped begins code, the next run of that length ends it. */
function withoutInlineCode(line: string): string {
  let rest = line;
  let kept = '';
  for (;;) {
    const start = /^((?:\\.|[^\\`])*)(`+)/.exec(rest);
    if (start?.[1] === undefined || start[2] === undefined) return kept + rest;
    const after = rest.slice(start[0].length);
    const end = new RegExp(`(?<!\`)${start[2]}(?!\`)`).exec(after);
    assert.ok(end, line);
    kept += start[1];
    rest = after.slice(end.index + start[2].length);
  }
}

function cells(line: string): number {
  return line.replace(/\\./g, '').split('|').length;
}
