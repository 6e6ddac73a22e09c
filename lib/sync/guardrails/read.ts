import { readOwnFile } from '../../core/own-files/read.ts';
import type { Schema } from '../../core/own-files/schema.ts';
import type { Problem } from '../../errors.ts';
import { type FreezeWindow, windowsOf } from '../freeze/windows.ts';
import freezeSchema from '../schemas/freeze-windows.schema.json' with { type: 'json' };
import guardrailsSchema from '../schemas/sync-guardrails.schema.json' with { type: 'json' };
import { guardrailsOf, type SyncGuardrails } from './guardrails.ts';

/** What protects a target: who may do what, and when nobody may. */
export interface Protection {
  readonly guardrails: readonly SyncGuardrails[];
  readonly windows: readonly FreezeWindow[];
}

export const noProtection: Protection = { guardrails: [], windows: [] };

/** Reads documents of the kinds SyncGuardrails and FreezeWindows. A file with any problem protects nothing: do not go on with it. */
export function readProtection(text: string, file: string): Protection & { readonly problems: readonly Problem[] } {
  const read = readOwnFile(text, file, {
    SyncGuardrails: guardrailsSchema as Schema,
    FreezeWindows: freezeSchema as Schema,
  });
  const problems = [...read.problems];
  const guardrails: SyncGuardrails[] = [];
  const windows: FreezeWindow[] = [];
  for (const document of read.documents) {
    if (document.kind === 'SyncGuardrails') {
      const found = guardrailsOf(document);
      guardrails.push(found.guardrails);
      problems.push(...found.problems);
    } else {
      const found = windowsOf(document);
      windows.push(...found.windows);
      problems.push(...found.problems);
    }
  }
  return { guardrails, windows, problems };
}

export function joinProtection(all: readonly Protection[]): Protection {
  return { guardrails: all.flatMap((one) => one.guardrails), windows: all.flatMap((one) => one.windows) };
}
