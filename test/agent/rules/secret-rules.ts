import { type KnownSecret, revealingForms } from '../known-secrets.ts';
import type { RunRecord } from '../run-record.ts';
import type { Rule } from './rule.ts';

export const secretRules = [
  {
    name: 'unmasked-secret',
    description: 'No secret can be read in the log, also none that was registered after it was printed.',
    check: (run) => {
      const registered = run.registeredSecrets.map((value) => ({ origin: 'a secret that the task registered', value }));
      return leaks([...run.knownSecrets, ...registered], run.log.join('\n'), (at) => `line ${at} of the log`);
    },
  },
  {
    name: 'secret-in-variable',
    description: 'No secret is given to later steps as a variable that is not secret.',
    check: (run) =>
      run.setVariables
        .filter((variable) => !variable.secret)
        .flatMap((variable) => leaks(run.knownSecrets, variable.value, () => `the variable "${variable.name}"`)),
  },
  {
    name: 'secret-in-upload',
    description: 'No secret stands in a file that is uploaded: the agent does not mask files.',
    check: (run) => uploadLeaks(run),
  },
] as const satisfies readonly Rule[];

function uploadLeaks(run: RunRecord): string[] {
  return run.uploads.flatMap((upload) =>
    leaks(run.knownSecrets, upload.text, (line) => `line ${line} of the uploaded file "${upload.name}"`),
  );
}

function leaks(secrets: readonly KnownSecret[], text: string, place: (line: number) => string): string[] {
  const found = new Set<string>();
  for (const secret of secrets) {
    for (const form of revealingForms(secret.value)) {
      const at = text.indexOf(form);
      if (at >= 0)
        found.add(`The value of ${secret.origin} can be read in ${place(text.slice(0, at).split('\n').length)}.`);
    }
  }
  return [...found];
}
