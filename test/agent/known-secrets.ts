import { load } from 'js-yaml';
import type { Connection, SystemConnection } from './endpoints.ts';
import type { Kubeconfig } from './kubeconfig-connection.ts';
import { isSecretParameter } from './masking.ts';

/** A value that must never be readable in what a run leaves behind. */
export interface KnownSecret {
  /** Where it came from, in words for a message; the value itself never stands in one. */
  readonly origin: string;
  readonly value: string;
}

// Shorter values turn up by chance.
const shortest = 4;
// Of a text with several lines; short ones, like `kind: Config`, say nothing.
const shortestLine = 16;

// The agent masks these parameters, but they are names and public keys; a report may name them.
const openParameters = new Set(['serviceprincipalid', 'username', 'clustercontext', 'serviceaccountcertificate']);

/** The secrets of a service connection: its parameters, what they decode to, and what a kubeconfig holds. */
export function connectionSecrets(name: string, connection: Connection): KnownSecret[] {
  const secrets: KnownSecret[] = [];
  for (const [parameter, value] of Object.entries(connection.parameters ?? {})) {
    const key = parameter.toLowerCase();
    if (!isSecretParameter(parameter) || openParameters.has(key)) continue;
    const origin = `the parameter ${parameter} of the connection "${name}"`;
    if (key === 'kubeconfig') secrets.push(...kubeconfigSecrets(origin, value));
    else secrets.push(...withDecoded({ origin, value }));
  }
  return secrets;
}

export function systemSecrets(connection: SystemConnection): KnownSecret[] {
  const origin = 'the access token of the system connection';
  return [
    { origin, value: connection.token },
    // As HTTP basic authentication sends it.
    { origin, value: Buffer.from(`:${connection.token}`).toString('base64') },
  ];
}

const credentialFields = ['token', 'password', 'client-key-data'] as const;

function kubeconfigSecrets(origin: string, text: string): KnownSecret[] {
  const users = (load(text) as Kubeconfig | null)?.users ?? [];
  return users.flatMap(({ name, user }) =>
    credentialFields.flatMap((field) => {
      const value = user[field];
      return typeof value === 'string'
        ? withDecoded({ origin: `${origin} (${field} of the user "${name}")`, value })
        : [];
    }),
  );
}

/** A value, and what it holds when it is text in base64. */
function withDecoded(secret: KnownSecret): KnownSecret[] {
  const bytes = Buffer.from(secret.value, 'base64');
  if (bytes.length < 8 || bytes.toString('base64') !== secret.value) return [secret];
  const text = bytes.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(bytes)) return [secret];
  return [secret, { origin: `${secret.origin}, decoded`, value: text }];
}

/** The forms in which a secret still gives itself away. */
export function revealingForms(value: string): string[] {
  const lines = value.includes('\n')
    ? value
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line.length >= shortestLine && !line.startsWith('-----'))
    : [value.trim()];
  const base64 = Buffer.from(value, 'utf8').toString('base64');
  return [...lines, base64].filter((form) => form.length >= shortest);
}
