import { knownManagers } from '../../lib/core/objects/field-managers.ts';
import { cell } from './section.ts';

const titles = {
  person: 'Treated as people: what they set is taken back',
  controller: 'Treated as controllers: left alone',
  tool: 'Treated as other tools: never overruled silently',
} as const;

/** The field managers that are known by name, as Markdown. */
export function managerTables(): string {
  return (['person', 'controller', 'tool'] as const)
    .map((kind) =>
      [
        `**${titles[kind]}**`,
        '',
        '| field manager | who |',
        '| --- | --- |',
        ...knownManagers[kind].map(({ name, what }) => `| \`${cell(name)}\` | ${cell(what)} |`),
      ].join('\n'),
    )
    .join('\n\n');
}
