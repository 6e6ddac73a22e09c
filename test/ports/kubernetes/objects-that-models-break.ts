import type { ApiResource } from '../../../lib/ports/kubernetes/discovery.ts';
import { resourceOf } from './stub-server.ts';

/**
 * Objects that a typed model of Kubernetes damages on the way: `from` of a NetworkPolicy (which then admits everybody), `default`,
 * `enum`, `$ref` and `x-kubernetes-*` of schemas, fields of newer versions, names with upper case.
 */
export interface Sample {
  readonly resource: ApiResource;
  readonly body: { readonly metadata: { readonly name: string } } & Record<string, unknown>;
}

export const networkPolicy: Sample = {
  resource: resourceOf('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies'),
  body: {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'only-the-shop' },
    spec: {
      podSelector: { matchLabels: { app: 'db' } },
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'shop' } } }] }],
    },
  },
};

export const limitRange: Sample = {
  resource: resourceOf('v1', 'LimitRange', 'limitranges'),
  body: {
    apiVersion: 'v1',
    kind: 'LimitRange',
    metadata: { name: 'limits' },
    spec: {
      limits: [
        {
          type: 'Container',
          default: { cpu: '500m', memory: '1Gi' },
          defaultRequest: { cpu: '100m', memory: '128Mi' },
        },
      ],
    },
  },
};

export function customResourceDefinition(group: string): Sample {
  return {
    resource: resourceOf('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', false),
    body: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `shops.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { plural: 'shops', singular: 'shop', kind: 'Shop', listKind: 'ShopList' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: {
                    type: 'object',
                    'x-kubernetes-validations': [{ rule: 'self.size > 0', message: 'a shop has a size' }],
                    properties: {
                      size: { type: 'integer', default: 3 },
                      tier: { type: 'string', enum: ['gold', 'silver'], default: 'silver' },
                      port: { 'x-kubernetes-int-or-string': true },
                      anything: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                      items: {
                        type: 'array',
                        'x-kubernetes-list-type': 'map',
                        'x-kubernetes-list-map-keys': ['name'],
                        items: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } },
                      },
                    },
                  },
                },
              },
            },
          },
        ],
      },
    },
  };
}

export const clusterRole: Sample = {
  resource: resourceOf('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', false),
  body: {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'MyRole:Admin' },
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
  },
};
