import type { ApiResource } from './discovery.ts';
import type { Json, ListOptions, ListResult } from './kubernetes-client.ts';
import { statusOf } from './kubernetes-error.ts';
import { resourcePath, withQuery } from './paths.ts';

const pageSize = 500;
const metadataOnly = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json';

type Fetch = (path: string, accept?: string) => Promise<Json>;

/** All objects of a kind, page by page. */
export async function listAll(resource: ApiResource, options: ListOptions, fetch: Fetch): Promise<ListResult> {
  try {
    return await pages(resource, options, pageSize, fetch);
  } catch (error) {
    if (statusOf(error) !== 410) throw error;
    // The list was compacted away between two pages; client-go's pager, too, takes all at once then.
    return pages(resource, options, undefined, fetch);
  }
}

async function pages(
  resource: ApiResource,
  options: ListOptions,
  limit: number | undefined,
  fetch: Fetch,
): Promise<ListResult> {
  const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  const items: Json[] = [];
  let cursor: string | undefined;
  let resourceVersion = '';
  do {
    const path = withQuery(resourcePath(resource, options.namespace ?? ''), {
      limit,
      continue: cursor,
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
    });
    const page = await fetch(path, options.metadataOnly ? metadataOnly : undefined);
    // Items of a list carry neither apiVersion nor kind.
    for (const item of (page['items'] ?? []) as Json[]) items.push({ ...item, apiVersion, kind: resource.kind });
    resourceVersion = page['metadata']?.resourceVersion ?? '';
    cursor = page['metadata']?.continue || undefined;
  } while (cursor !== undefined);
  return { items, resourceVersion };
}
