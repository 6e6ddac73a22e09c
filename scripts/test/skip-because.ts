import type { Context, Runnable } from 'mocha';

/** Skips the running test, or from a `before` hook its whole suite, and says why in the report of `npm test`. */
export function skipBecause(context: Context, reason: string): never {
  const runnable: (Runnable & { readonly type?: string }) | undefined = context.test;
  if (runnable?.type === 'hook') runnable.parent?.eachTest((test) => Object.assign(test, { skipReason: reason }));
  else if (runnable !== undefined) Object.assign(runnable, { skipReason: reason });
  return context.skip();
}
