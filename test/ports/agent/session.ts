import { Writable } from 'node:stream';
import type { SessionParts } from '../../../lib/ports/agent/agent-session.ts';
import { listenForCancellation } from '../../../lib/ports/agent/cancellation.ts';
import { guardOutput } from '../../../lib/ports/agent/output.ts';
import { SecretRegistry } from '../../../lib/ports/agent/secrets.ts';

/** A stream that keeps what is written, in the place of the process's own. */
export class Capture extends Writable {
  text = '';
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}

export interface CapturedSession extends SessionParts {
  readonly stdout: Capture;
  readonly stderr: Capture;
}

/** The parts of a session over captured streams and without real signals. */
export function capturedSession(): CapturedSession {
  const stdout = new Capture();
  const stderr = new Capture();
  const secrets = new SecretRegistry();
  const streams = { stdout, stderr } as unknown as Parameters<typeof guardOutput>[1];
  const noSignals = { on: () => process, off: () => process } as unknown as NodeJS.Process;
  return {
    stdout,
    stderr,
    secrets,
    output: guardOutput(secrets, streams),
    cancellation: listenForCancellation(undefined, noSignals),
  };
}
