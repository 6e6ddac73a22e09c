import {
  assessApiService,
  assessCustomResourceDefinition,
  assessHorizontalPodAutoscaler,
  assessNamespace,
} from './api.ts';
import { assessCronJob, assessJob } from './batch.ts';
import type { Fields } from './fields.ts';
import { assessIngress, assessService } from './networking.ts';
import { assessPod } from './pods.ts';
import { assessPersistentVolume, assessPersistentVolumeClaim } from './storage.ts';
import type { Health, HealthContext } from './verdict.ts';
import { healthy } from './verdict.ts';
import { assessDaemonSet, assessDeployment, assessReplicaSet, assessStatefulSet } from './workloads.ts';

export type HealthRule = (fields: Fields, object: unknown, context: HealthContext) => Health;

/** Group and kind to rule; the API's version does not matter, the fields that are read are the same in all. */
const RULES: Readonly<Record<string, HealthRule>> = {
  'apps/Deployment': assessDeployment,
  'apps/StatefulSet': assessStatefulSet,
  'apps/DaemonSet': assessDaemonSet,
  'apps/ReplicaSet': assessReplicaSet,
  '/ReplicationController': assessReplicaSet,
  '/Pod': assessPod,
  'batch/Job': assessJob,
  'batch/CronJob': assessCronJob,
  '/Service': assessService,
  'networking.k8s.io/Ingress': assessIngress,
  '/PersistentVolumeClaim': assessPersistentVolumeClaim,
  '/PersistentVolume': assessPersistentVolume,
  '/Namespace': assessNamespace,
  'apiextensions.k8s.io/CustomResourceDefinition': assessCustomResourceDefinition,
  'apiregistration.k8s.io/APIService': assessApiService,
  'autoscaling/HorizontalPodAutoscaler': assessHorizontalPodAutoscaler,
};

/**
 * Kinds that are all there is to them once the server has taken them: nothing has to happen after that, so there is nothing
 * to wait for. A PodDisruptionBudget's status says how many Pods may go, not whether it works (kstatus: always current).
 */
const HEALTHY_ONCE_APPLIED: ReadonlySet<string> = new Set([
  '/ConfigMap',
  '/Secret',
  '/ServiceAccount',
  '/Endpoints',
  '/LimitRange',
  '/ResourceQuota',
  '/PodTemplate',
  'admissionregistration.k8s.io/MutatingAdmissionPolicy',
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/MutatingWebhookConfiguration',
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding',
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration',
  'apps/ControllerRevision',
  'coordination.k8s.io/Lease',
  'discovery.k8s.io/EndpointSlice',
  'networking.k8s.io/IngressClass',
  'networking.k8s.io/NetworkPolicy',
  'node.k8s.io/RuntimeClass',
  'policy/PodDisruptionBudget',
  'rbac.authorization.k8s.io/ClusterRole',
  'rbac.authorization.k8s.io/ClusterRoleBinding',
  'rbac.authorization.k8s.io/Role',
  'rbac.authorization.k8s.io/RoleBinding',
  'scheduling.k8s.io/PriorityClass',
  'storage.k8s.io/CSIDriver',
  'storage.k8s.io/StorageClass',
  'storage.k8s.io/VolumeAttributesClass',
]);

const alwaysHealthy: HealthRule = () => healthy('It exists, which is all that its kind needs.');

/** Undefined for kinds that only their conditions can judge. */
export function ruleFor(group: string, kind: string): HealthRule | undefined {
  const key = `${group}/${kind}`;
  if (HEALTHY_ONCE_APPLIED.has(key)) return alwaysHealthy;
  return Object.hasOwn(RULES, key) ? RULES[key] : undefined;
}

/** Nothing has to happen after the server took such an object: waiting for it costs no request. */
export function isHealthyOnceApplied(id: { readonly group: string; readonly kind: string }): boolean {
  return HEALTHY_ONCE_APPLIED.has(`${id.group}/${id.kind}`);
}
