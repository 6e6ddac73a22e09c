import { NotPermittedError, RefusedError } from '../../errors.ts';

/** One of the reasons in a `Status`: which field, and why. */
export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** The API server's `Status` answer: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ */
export interface Status {
  readonly kind?: string;
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly causes?: readonly StatusCause[];
    readonly retryAfterSeconds?: number;
  };
}

/** The API server answered, and the answer was no. `message` is the server's own. */
export class KubernetesError extends RefusedError {
  /** `Conflict`, `Invalid`, `NotFound`, `AlreadyExists`, ... */
  readonly reason: string;
  readonly causes: readonly StatusCause[];

  constructor(message: string, status: number, body?: Status) {
    super(message, status);
    this.reason = body?.reason ?? '';
    this.causes = body?.details?.causes ?? [];
  }
}

/** 401 or 403. `message` names verb, resource and namespace, as the server says them. */
export class KubernetesNotPermittedError extends NotPermittedError {
  readonly status: 401 | 403;

  constructor(message: string, status: 401 | 403) {
    super(message);
    this.status = status;
  }
}

/** The HTTP status of an error of this port; 0 for any other. */
export function statusOf(error: unknown): number {
  if (error instanceof KubernetesError || error instanceof KubernetesNotPermittedError) return error.status;
  return 0;
}
