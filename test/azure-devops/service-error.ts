/** An answer other than success. */
export class ServiceError extends Error {
  readonly status: number;
  readonly typeKey: string;

  constructor(status: number, message: string, typeKey: string) {
    super(message);
    this.status = status;
    this.typeKey = typeKey;
  }
}
