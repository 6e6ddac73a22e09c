import type { Fields } from './fields.ts';
import { type Health, type HealthContext, healthy, progressing } from './verdict.ts';

/** gitops-engine `getCorev1ServiceHealth`: a load balancer needs an address. kstatus is content with its cluster IP. */
export function assessService(fields: Fields): Health {
  if (fields.text('spec.type') !== 'LoadBalancer') return healthy('It exists.');
  if (fields.records('status.loadBalancer.ingress').length === 0) {
    return progressing('Its load balancer has no address yet.', 'NoAddress');
  }
  return healthy('Its load balancer has an address.');
}

/** Current in kstatus. The engine's rule, an address in the status, is opt-in: it hangs on controllers that write none. */
export function assessIngress(fields: Fields, _object: unknown, context: HealthContext): Health {
  if (context.ingressNeedsAddress !== true) return healthy('It exists.');
  return fields.records('status.loadBalancer.ingress').length === 0
    ? progressing('It has no address yet.', 'NoAddress')
    : healthy('It has an address.');
}
