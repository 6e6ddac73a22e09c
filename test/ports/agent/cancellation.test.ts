import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { CancelledError } from '../../../lib/errors.ts';
import {
  DEFAULT_GRACE,
  gracePeriod,
  listenForCancellation,
  remainingTime,
} from '../../../lib/ports/agent/cancellation.ts';

function listening(grace = DEFAULT_GRACE) {
  const source = new EventEmitter();
  const cancellation = listenForCancellation(() => grace, source as unknown as NodeJS.Process);
  return { source, cancellation };
}

describe('a cancellation', () => {
  it('is one abort, with a CancelledError as its reason, however many signals come', () => {
    const { source, cancellation } = listening();
    let aborts = 0;
    cancellation.signal.addEventListener('abort', () => {
      aborts += 1;
    });
    source.emit('SIGINT', 'SIGINT');
    const { reason } = cancellation.signal;
    source.emit('SIGTERM', 'SIGTERM');
    source.emit('SIGINT', 'SIGINT');
    assert.ok(reason instanceof CancelledError);
    assert.equal(cancellation.signal.reason, reason);
    assert.equal(aborts, 1);
  });

  it('tells the time that is left: both of the agent’s waits after SIGINT, the second after SIGTERM', () => {
    const { source, cancellation } = listening({ afterInterrupt: 7_500, afterTerminate: 2_500 });
    assert.equal(remainingTime(cancellation.signal), Number.POSITIVE_INFINITY);
    source.emit('SIGINT', 'SIGINT');
    const afterInterrupt = remainingTime(cancellation.signal);
    assert.ok(afterInterrupt > 9_000 && afterInterrupt <= 10_000, String(afterInterrupt));
    source.emit('SIGTERM', 'SIGTERM');
    const afterTerminate = remainingTime(cancellation.signal);
    assert.ok(afterTerminate > 1_500 && afterTerminate <= 2_500, String(afterTerminate));
    source.emit('SIGINT', 'SIGINT');
    assert.ok(remainingTime(cancellation.signal) <= 2_500, 'a later signal gives no time back');
  });

  it('takes the times that the pipeline sets, and the agent’s own for what is no number', () => {
    const variables: Record<string, string> = { PROCESS_SIGINT_TIMEOUT: '60000', PROCESS_SIGTERM_TIMEOUT: 'long' };
    assert.deepEqual(
      gracePeriod((name) => variables[name]),
      { afterInterrupt: 60_000, afterTerminate: 2_500 },
    );
    assert.deepEqual(
      gracePeriod(() => undefined),
      { afterInterrupt: 7_500, afterTerminate: 2_500 },
    );
  });

  it('can be our own decision, and leaves the signals alone once it is disposed of', () => {
    const { source, cancellation } = listening();
    cancellation.cancel('The task stops.');
    assert.equal((cancellation.signal.reason as Error).message, 'The task stops.');
    cancellation.dispose();
    assert.deepEqual(source.eventNames(), []);
  });
});
