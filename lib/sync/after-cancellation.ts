/** Aborted some time after the other signal: for what has to be brought to an end although the run was cancelled. */
export function afterCancellation(signal: AbortSignal, milliseconds: number): AbortSignal {
  const later = new AbortController();
  const abortLater = () => setTimeout(() => later.abort(), milliseconds).unref();
  if (signal.aborted) abortLater();
  else signal.addEventListener('abort', abortLater, { once: true });
  return later.signal;
}
