import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { type ChartServer, type Credentials, type ServedArchive, serve } from './chart-repository.ts';

/**
 * The read routes of an OCI registry, as the distribution specification 1.1 has them (end-1, end-2, end-3), serving charts in
 * Helm's media types. `manifestDigest` is what a user would pin.
 */
export interface Registry extends ChartServer {
  manifestDigest(name: string): string;
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';

/** `pretend` is a digest that the registry says every manifest has, whatever it serves. */
export async function registry(
  charts: readonly ServedArchive[],
  credentials?: Credentials,
  pretend?: string,
): Promise<Registry> {
  const blobs = new Map<string, Uint8Array>();
  const manifests = new Map<string, { readonly digest: string; readonly body: Uint8Array }>();
  for (const chart of charts) {
    const config = Buffer.from(JSON.stringify({ apiVersion: 'v2', name: chart.name, version: chart.version }));
    const body = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: manifestType,
        config: descriptor('application/vnd.cncf.helm.config.v1+json', config, blobs),
        layers: [descriptor('application/vnd.cncf.helm.chart.content.v1.tar+gzip', chart.archive, blobs)],
      }),
    );
    const manifest = { digest: digestOf(body), body };
    manifests.set(`charts/${chart.name}:${chart.version}`, manifest);
    manifests.set(`charts/${chart.name}:${manifest.digest}`, manifest);
  }
  const server = await serve((path, response, request) => {
    const [, repository = '', type = '', reference = ''] = /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(path) ?? [];
    const honest = manifests.get(`${repository}:${reference}`);
    const manifest = honest ?? (reference === pretend ? [...manifests.values()][0] : undefined);
    const blob = blobs.get(reference);
    const head = request.method === 'HEAD';
    if (path === '/v2/') response.writeHead(200).end();
    else if (type === 'manifests' && manifest !== undefined)
      send(response, manifestType, pretend ?? manifest.digest, manifest.body, head);
    else if (type === 'blobs' && blob !== undefined) send(response, 'application/octet-stream', reference, blob, head);
    else
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');
  }, credentials);
  return {
    ...server,
    manifestDigest: (name) => {
      const found = [...manifests].find(([key]) => key.startsWith(`charts/${name}:`));
      if (found === undefined) throw new Error(`The registry serves no chart ${name}.`);
      return found[1].digest;
    },
  };
}

function descriptor(mediaType: string, content: Uint8Array, blobs: Map<string, Uint8Array>) {
  const digest = digestOf(content);
  blobs.set(digest, content);
  return { mediaType, digest, size: content.length };
}

function send(response: ServerResponse, type: string, digest: string, body: Uint8Array, head: boolean): void {
  response.writeHead(200, {
    'content-type': type,
    'content-length': body.length,
    'docker-content-digest': digest,
  });
  response.end(head ? undefined : body);
}

export function digestOf(content: Uint8Array): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}
