/** Serves a bare repository by Git's smart HTTP protocol, with git itself behind it. */
import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';

/**
 * Answers `GET .../info/refs?service=git-upload-pack` and `POST .../git-upload-pack`. Reading only.
 *
 * @param rest what follows the repository's address, e.g. `info/refs`
 */
export async function serveGit(
  folder: string,
  rest: string,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const service = rest === 'info/refs' ? query.get('service') : rest;
  if (service !== 'git-upload-pack') {
    response.writeHead(403, { 'content-type': 'text/plain' }).end('This server only serves git-upload-pack.');
    return;
  }
  const advertise = rest === 'info/refs';
  const protocol = request.headers['git-protocol'];
  const child = spawn('git', ['upload-pack', '--stateless-rpc', ...(advertise ? ['--advertise-refs'] : []), folder], {
    env: { ...process.env, ...(typeof protocol === 'string' ? { GIT_PROTOCOL: protocol } : {}) },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  response.writeHead(200, {
    'content-type': `application/x-${service}-${advertise ? 'advertisement' : 'result'}`,
    'cache-control': 'no-cache',
  });
  if (advertise) {
    child.stdin.end();
    // Protocol 2 begins with its own line; the older ones with the name of the service.
    if (protocol !== 'version=2') response.write('001e# service=git-upload-pack\n0000');
  } else {
    const body = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request;
    // The client may hang up when it has what it wants.
    pipeline(body, child.stdin).catch(() => undefined);
  }
  await pipeline(child.stdout, response).catch(() => child.kill());
}
