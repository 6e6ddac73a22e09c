/** What the service answered when it was not a success. */
export class HttpAnswer extends Error {
  readonly status: number;
  /** `GitNeedsPermissionException` and the like; empty when the body was not the service's JSON. */
  readonly typeKey: string;
  /** Seconds, from the header Retry-After. */
  readonly retryAfter: number | undefined;

  constructor(status: number, message: string, typeKey: string, retryAfter: number | undefined) {
    super(message);
    this.name = 'HttpAnswer';
    this.status = status;
    this.typeKey = typeKey;
    this.retryAfter = retryAfter;
  }
}
