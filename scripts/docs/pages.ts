import { join } from 'node:path';
import { readTaskManifest, type TaskManifest } from '../build/task-manifest.ts';
import { inputTables } from './inputs.ts';
import { managerTables } from './managers.ts';
import { fillSection } from './section.ts';

/** A page with sections that are written from what the product itself declares. */
export interface GeneratedPage {
  /** Relative to the repository. */
  readonly file: string;
  fill(page: string): string;
}

export function generatedPages(root: string): readonly GeneratedPage[] {
  const sync = readTaskManifest(join(root, 'tasks', 'GitOpsSync', 'task.json')) as TaskManifest;
  return [
    {
      file: 'docs/gitops-sync.md',
      fill: (page) => fillSection(fillSection(page, 'inputs', inputTables(sync)), 'managers', managerTables()),
    },
  ];
}
