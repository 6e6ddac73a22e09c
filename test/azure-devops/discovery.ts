/**
 * What a client asks before it asks anything else: where areas live and how their addresses are built. The forms are those that
 * azure-devops-node-api reads; the ids of resources are the ones its clients send.
 */
import type { Contract } from './contract.ts';
import type { OperationFacts } from './distil.ts';

const LOCATION_IDS: Readonly<Record<string, string>> = {
  repositories: '225f7195-f9c7-4d14-ab28-a83f7ff77e1f',
  refs: '2d874a60-a811-4f62-9c9f-963a6ea0a55b',
  mergeBases: '7cf2abb6-c964-4f7e-9872-f78c66e72e9c',
  statuses: '428dd4fb-fda5-4722-af02-9313b80305da',
  pullRequestQuery: 'b3a6eebe-9cf0-49ea-b6cb-1a4c5f5007b0',
  pullRequests: '9946fd70-0d40-406e-b686-b4744cbbcc37',
};

interface Location {
  readonly id: string;
  readonly area: string;
  readonly resourceName: string;
  readonly routeTemplate: string;
  readonly resourceVersion: number;
  readonly minVersion: string;
  readonly maxVersion: string;
  readonly releasedVersion: string;
}

const RESOURCE_AREAS: Location = {
  id: 'e81700f7-3be2-46de-8624-2eb35882fcaa',
  area: 'Location',
  resourceName: 'ResourceAreas',
  routeTemplate: '_apis/{resource}/{areaId}',
  resourceVersion: 1,
  minVersion: '3.2',
  maxVersion: '7.2',
  releasedVersion: '0.0',
};

/** The answer to `OPTIONS _apis/<area>`. */
export function locations(path: string, tables: readonly Contract[]): unknown {
  const area = /^_apis\/([^/]+)$/i.exec(path)?.[1]?.toLowerCase();
  if (area === 'location') return list([RESOURCE_AREAS]);
  const ofArea = tables.filter((table) => table.facts.area.toLowerCase() === area);
  const newest = ofArea.at(-1);
  if (newest === undefined) return undefined;
  // A resource has one address, whose last part may be left out.
  const operations = [...newest.facts.operations].sort((a, b) => a.path.length - b.path.length);
  const byResource = new Map(operations.map((operation) => [operation.resource, operation]));
  return list(
    [...byResource.values()].map((operation) => location(operation, newest.facts.area, newest.facts.version)),
  );
}

function location(operation: OperationFacts, area: string, version: string): Location {
  const id = LOCATION_IDS[operation.resource];
  if (id === undefined) throw new Error(`no location id is known for the resource ${operation.resource}`);
  const preview = /-preview\.(\d+)$/.exec(operation.apiVersion)?.[1];
  return {
    id,
    area,
    resourceName: operation.resource,
    routeTemplate: operation.path
      .replace(/^\/\{organization\}\//, '')
      .replace(`/${area}/`, '/{area}/')
      .replace(new RegExp(`/${operation.resource}(?=/|$)`, 'i'), '/{resource}'),
    resourceVersion: Number(preview ?? 1),
    minVersion: '1.0',
    maxVersion: version,
    releasedVersion: '7.1',
  };
}

/** The answer to `GET _apis/resourceAreas`: every area lives in the collection here. */
export function resourceAreas(collectionUrl: string, tables: readonly Contract[]): unknown {
  const areas = new Map(tables.map(({ facts }) => [facts.resourceAreaId, facts.area]));
  return list([...areas].map(([id, name]) => ({ id, name, locationUrl: collectionUrl })));
}

/** The answer to `GET _apis/connectionData` (public documentation; not in the specifications). */
export function connectionData(collectionUrl: string): unknown {
  const user = {
    id: '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
    providerDisplayName: 'shop Build Service (contoso)',
    isActive: true,
    properties: {},
  };
  return {
    authenticatedUser: user,
    authorizedUser: user,
    instanceId: '9b2552e4-9e48-4557-98ec-1982f699615f',
    deploymentType: 'hosted',
    locationServiceData: {
      defaultAccessMappingMoniker: 'PublicAccessMapping',
      accessMappings: [{ accessPoint: collectionUrl }],
    },
  };
}

function list(value: readonly unknown[]): unknown {
  return { count: value.length, value };
}
