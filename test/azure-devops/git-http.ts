/** Serves a bare repository by Git's smart HTTP protocol, with git itself behind it. */
import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

/**
 * Answers `GET .../info/refs?service=git-upload-pack` and `POST .../git-upload-pack`, and where pushing is allowed the same of
 * git-receive-pack; the repository's own hooks run.
 *
 * @param rest what follows the repository's address, e.g. `info/refs`
 */
export async function serveGit(
  folder: string,
  rest: string,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
  pushable = false,
): Promise<void> {
  const service = rest === 'info/refs' ? query.get('service') : rest;
  if (service !== 'git-upload-pack' && !(pushable && service === 'git-receive-pack')) {
    response.writeHead(403, { 'content-type': 'text/plain' }).end('This server only serves git-upload-pack here.');
    return;
  }
  const advertise = rest === 'info/refs';
  const protocol = request.headers['git-protocol'];
  const child = spawn(
    'git',
    [service.slice('git-'.length), '--stateless-rpc', ...(advertise ? ['--advertise-refs'] : []), folder],
    {
      env: { ...process.env, ...(typeof protocol === 'string' ? { GIT_PROTOCOL: protocol } : {}) },
      stdio: ['pipe', 'pipe', 'ignore'],
    },
  );
  response.writeHead(200, {
    'content-type': `application/x-${service}-${advertise ? 'advertisement' : 'result'}`,
    'cache-control': 'no-cache',
  });
  if (advertise) {
    child.stdin.end();
    // Protocol 2 begins with its own line; the older ones with the name of the service.
    if (protocol !== 'version=2' || service === 'git-receive-pack')
      response.write(
        service === 'git-upload-pack' ? '001e# service=git-upload-pack\n0000' : '001f# service=git-receive-pack\n0000',
      );
  } else {
    const body = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request;
    // The client may hang up when it has what it wants.
    pipeline(body, child.stdin).catch(() => undefined);
  }
  await pipeline(child.stdout, response).catch(() => child.kill());
}
