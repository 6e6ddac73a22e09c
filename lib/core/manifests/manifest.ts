import type { Place } from '../../errors.ts';
import type { KubernetesObject } from '../objects/kubernetes-object.ts';

/** An object that Git declares, and where. */
export interface Manifest {
  readonly object: KubernetesObject;
  /** The file that a person would edit; the line is exact or left out. */
  readonly origin: Place;
}
