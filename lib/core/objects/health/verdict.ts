/** How well an object does what it is there for; Argo CD's words, and `Terminating` from kstatus. */
export type HealthStatus = 'Healthy' | 'Progressing' | 'Degraded' | 'Suspended' | 'Missing' | 'Terminating' | 'Unknown';

export interface Health {
  readonly status: HealthStatus;
  /** One sentence for people; may contain foreign text of a controller. */
  readonly message: string;
  /** A word for programs: the reason that a controller gave (`ProgressDeadlineExceeded`) or one of ours (`NotObserved`). */
  readonly reason?: string;
}

/** What an object alone does not tell. All of it is optional: a rule says what it assumes when it does not know. */
export interface HealthContext {
  /** Default: the machine's clock. */
  readonly now?: Date;
  /** The object's CustomResourceDefinition has a status subresource, so a controller is expected to write a status. */
  readonly crdHasStatus?: boolean;
  /** `volumeBindingMode` of a StorageClass; undefined when it could not be read. */
  readonly bindingModeOf?: (storageClassName: string) => string | undefined;
  /** An Ingress counts as healthy only once it has an address. Off by default: many controllers never write one. */
  readonly ingressNeedsAddress?: boolean;
}

export function healthy(message: string, reason?: string): Health {
  return verdict('Healthy', message, reason);
}

export function progressing(message: string, reason?: string): Health {
  return verdict('Progressing', message, reason);
}

export function degraded(message: string, reason?: string): Health {
  return verdict('Degraded', message, reason);
}

export function verdict(status: HealthStatus, message: string, reason?: string): Health {
  return reason === undefined || reason === '' ? { status, message } : { status, message, reason };
}
