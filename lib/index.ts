/** The library's public face: what other tasks, scripts and tests may build on. */
export * from './core/manifests/manifest.ts';
export {
  assessHealth,
  type Health,
  type HealthContext,
  type HealthStatus,
  worstHealth,
} from './core/objects/health.ts';
export * from './core/objects/kubernetes-object.ts';
export * from './errors.ts';
export type * from './ports/agent/agent.ts';
