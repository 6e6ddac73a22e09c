import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { glob } from 'tinyglobby';

const root = join(import.meta.dirname, '..', '..');
const pages = (await glob(['**/*.md'], { cwd: root, ignore: ['**/node_modules/**', 'dist/**', '.cache/**'] })).sort();

/** Text outside of code, in which a link would be none. */
function prose(markdown: string): string {
  return markdown.replace(/^(```+|~~~+)[^\n]*\n[\s\S]*?^\1[^\n]*$/gm, '').replace(/`[^`\n]*`/g, '`code`');
}

/** As GitHub makes them: https://github.com/gjtorikian/html-pipeline, TableOfContentsFilter. */
function anchors(markdown: string): Set<string> {
  const seen = new Map<string, number>();
  const result = new Set<string>();
  const withoutBlocks = markdown.replace(/^(```+|~~~+)[^\n]*\n[\s\S]*?^\1[^\n]*$/gm, '');
  for (const [, heading = ''] of withoutBlocks.matchAll(/^#{1,6}\s+(.*?)\s*#*$/gm)) {
    const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '');
    const slug = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    const count = seen.get(slug) ?? 0;
    seen.set(slug, count + 1);
    result.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return result;
}

describe('links between Markdown files', () => {
  it('are looked at in the pages that readers begin with', () => {
    for (const page of ['README.md', 'CONTRIBUTING.md', 'docs/README.md', 'examples/README.md']) {
      assert.ok(pages.includes(page), page);
    }
  });

  for (const page of pages) {
    it(`${page} leads nowhere that is not there`, async () => {
      const text = await readFile(join(root, page), 'utf8');
      const broken: string[] = [];
      for (const [, target = ''] of prose(text).matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)) {
        if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue;
        const [path = '', anchor] = decodeURI(target).split('#');
        const file = path === '' ? page : normalize(join(dirname(page), path));
        if (!existsSync(join(root, file))) broken.push(`${target}: ${file} does not exist`);
        else if (anchor !== undefined && file.endsWith('.md')) {
          if (!anchors(await readFile(join(root, file), 'utf8')).has(anchor)) broken.push(`${target}: no such heading`);
        }
      }
      assert.deepEqual(broken, []);
    });
  }
});
