/**
 * A server that speaks Azure DevOps' REST API and serves real Git repositories, for tests. Every request and every answer is checked
 * against tables of facts distilled from the official specifications; a request that the table does not allow is answered with 400 and
 * makes assertValid() fail.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Contract, loadContract, type Match } from './contract.ts';
import { connectionData, locations, resourceAreas } from './discovery.ts';
import { tables as facts } from './distil.ts';
import { serveGit } from './git-http.ts';
import { type PullRequestBody, storePullRequest } from './pull-requests.ts';
import { answerRest, type RestAnswer, ServiceError } from './rest.ts';
import { addRepository, type ServedRepository } from './served-repository.ts';

export interface AzureDevOpsOptions {
  readonly organization?: string;
  readonly project?: string;
  /** The newest version that the server knows: 7.2 as Azure DevOps Services (7.1 released), 7.1 as a server of its own. */
  readonly version?: '7.1' | '7.2';
  /** Serves https; with `clientCa`, only to clients that have a certificate of that authority. PEM. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
}

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Which credentials came: never the credentials themselves. */
  readonly authorization: 'bearer' | 'basic' | 'none' | 'wrong';
  readonly apiVersion?: string;
  readonly operation?: string;
  readonly status: number;
}

export interface RecordedStatus {
  readonly repository: string;
  readonly commit: string;
  readonly status: Readonly<Record<string, unknown>>;
}

/** What goes wrong next time. */
export interface Failure {
  /** Which requests: by the operation's name, else by a pattern of the path. */
  readonly operation?: string;
  readonly path?: RegExp;
  /** `slow` answers after the server is stopped, `cut` hangs up in the middle, `signIn` sends the page that comes for a bad token. */
  readonly kind: 400 | 401 | 403 | 404 | 409 | 429 | 500 | 502 | 503 | 504 | 'slow' | 'cut' | 'signIn' | 'redirect';
  /** How often; default once. */
  readonly times?: number;
  readonly message?: string;
  readonly typeKey?: string;
  readonly retryAfter?: number;
}

export interface AzureDevOps {
  readonly url: string;
  /** With a slash at the end, as System.CollectionUri. */
  readonly collectionUrl: string;
  readonly organization: string;
  readonly project: { readonly id: string; readonly name: string };
  readonly token: string;
  readonly requests: readonly RecordedRequest[];
  readonly statuses: readonly RecordedStatus[];
  readonly pullRequests: readonly PullRequestBody[];
  /** A pull request as people made, voted for and completed it. */
  addPullRequest(repository: ServedRepository, body: Partial<PullRequestBody>): PullRequestBody;
  /** What a run of a pipeline leaves behind: the records of its timeline, by `timelineId` those of an earlier attempt. */
  addTimeline(buildId: number, records: readonly object[], timelineId?: string): void;
  addApproval(approval: { readonly id: string } & Readonly<Record<string, unknown>>): void;
  addReleaseApproval(approval: Readonly<Record<string, unknown>>): void;
  /** Makes an empty bare repository and serves it. */
  addRepository(
    name: string,
    options?: { readonly defaultBranch?: string; readonly filters?: boolean; readonly pushable?: boolean },
  ): Promise<ServedRepository>;
  fail(failure: Failure): void;
  forgetFailures(): void;
  /** Throws when a request or an answer was not as the tables say. */
  assertValid(): void;
  stop(): Promise<void>;
}

export interface State {
  readonly organization: string;
  readonly project: { readonly id: string; readonly name: string };
  readonly collectionUrl: string;
  readonly repositories: ServedRepository[];
  readonly statuses: (RecordedStatus & { readonly repositoryId: string })[];
  readonly pullRequests: PullRequestBody[];
  readonly timelines: { readonly buildId: number; readonly timelineId?: string; readonly records: readonly object[] }[];
  readonly approvals: ({ readonly id: string } & Readonly<Record<string, unknown>>)[];
  readonly releaseApprovals: Readonly<Record<string, unknown>>[];
}

export async function startAzureDevOps(options: AzureDevOpsOptions = {}): Promise<AzureDevOps> {
  const contracts = (options.version ?? '7.2') === '7.2' ? ['7.1', '7.2'] : ['7.1'];
  const tables = facts()
    .filter(({ version }) => contracts.includes(version))
    .map(({ area, version }) => loadContract(area, version));
  const token = `token-${randomUUID()}`;
  const requests: RecordedRequest[] = [];
  const problems: string[] = [];
  const failures: (Failure & { left: number })[] = [];
  let state: State | undefined;

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    if (state === undefined) return;
    handle(state, { tables, token, requests, problems, failures }, request, response).catch((error: unknown) => {
      problems.push(`the server failed: ${String(error)}`);
      response.destroy();
    });
  };
  const server =
    options.tls === undefined ? createServer(listener) : createTlsServer(tlsOptions(options.tls), listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const organization = options.organization ?? 'contoso';
  const project = { id: randomUUID(), name: options.project ?? 'shop' };
  const ready: State = {
    organization,
    project,
    collectionUrl: `${url}/${organization}/`,
    repositories: [],
    statuses: [],
    pullRequests: [],
    timelines: [],
    approvals: [],
    releaseApprovals: [],
  };
  state = ready;
  return {
    url,
    collectionUrl: ready.collectionUrl,
    organization,
    project,
    token,
    requests,
    statuses: ready.statuses,
    pullRequests: ready.pullRequests,
    addPullRequest: (repository, body) => storePullRequest(ready, repository, body),
    addTimeline: (buildId, records, timelineId) => {
      ready.timelines.push({ buildId, records, ...(timelineId === undefined ? {} : { timelineId }) });
    },
    addApproval: (approval) => {
      ready.approvals.push(approval);
    },
    addReleaseApproval: (approval) => {
      ready.releaseApprovals.push(approval);
    },
    addRepository: async (name, more = {}) => {
      const repository = await addRepository(ready.collectionUrl, project.name, name, more);
      ready.repositories.push(repository);
      return repository;
    },
    fail: (failure) => {
      failures.push({ ...failure, left: failure.times ?? 1 });
    },
    forgetFailures: () => {
      failures.length = 0;
    },
    assertValid: () => assert.deepEqual(problems, [], 'requests and answers are as the specification says'),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      for (const repository of ready.repositories) await repository.remove();
    },
  };
}

function tlsOptions({ cert, key, clientCa }: NonNullable<AzureDevOpsOptions['tls']>): ServerOptions {
  if (clientCa === undefined) return { cert, key };
  return { cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: true };
}

interface Bench {
  readonly tables: readonly Contract[];
  readonly token: string;
  readonly requests: RecordedRequest[];
  readonly problems: string[];
  readonly failures: (Failure & { left: number })[];
}

async function handle(state: State, bench: Bench, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', state.collectionUrl);
  const path = decodeURIComponent(url.pathname);
  const method = request.method ?? 'GET';
  const authorization = credentials(request, bench.token);
  const git = gitRequest(state, path);
  const body = git === undefined ? await readBody(request) : undefined;
  const apiVersion = versionOf(request, url.searchParams);
  const { table, match } = tableOf(bench.tables, apiVersion, method, url.pathname);
  const record = (status: number) =>
    bench.requests.push({
      method,
      path,
      query: Object.fromEntries(url.searchParams),
      ...(body === undefined ? {} : { body: body.json }),
      authorization,
      ...(apiVersion === undefined ? {} : { apiVersion }),
      ...(match === undefined ? {} : { operation: match.operation.id }),
      status,
    });
  const send = (status: number, answer: unknown, headers: Record<string, string> = {}) => {
    record(status);
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8; api-version=7.1', ...headers });
    response.end(JSON.stringify(answer));
  };

  const failure = bench.failures.find(
    (one) =>
      one.left > 0 &&
      (one.operation === undefined || one.operation === match?.operation.id) &&
      (one.path?.test(path) ?? true),
  );
  if (failure !== undefined) {
    failure.left -= 1;
    return failNow(failure, send, record, response);
  }
  if (authorization === 'none' || authorization === 'wrong') {
    const challenge = { 'www-authenticate': 'Bearer, Basic realm="Azure DevOps"' };
    return send(
      401,
      serviceError('TF400813: The user is not authorized to access this resource.', 'UnauthorizedRequestException'),
      challenge,
    );
  }
  if (git !== undefined) {
    record(200);
    return await serveGit(
      git.repository.folder,
      git.rest,
      url.searchParams,
      request,
      response,
      git.repository.pushable,
    );
  }
  const discovered = discover(state, bench.tables, method, path);
  if (discovered !== undefined) return send(200, discovered);
  if (table === undefined || match === undefined) {
    bench.problems.push(`${method} ${path} (api-version ${apiVersion ?? 'missing'}) is in no table`);
    return send(
      apiVersion === undefined ? 400 : 404,
      serviceError(`No HTTP resource was found for ${method} ${path}`, 'VssResourceNotFoundException'),
    );
  }
  const wrong = requestProblems(table, match, url.searchParams, apiVersion, body);
  if (wrong.length > 0) {
    bench.problems.push(...wrong.map((problem) => `${match.operation.id}: ${problem}`));
    return send(400, serviceError(wrong.join('; '), 'InvalidArgumentValueException'));
  }
  const answer = await restAnswer(state, match, url.searchParams, body?.json);
  if (answer.status < 300) {
    const bad = table.answerProblems(match.operation, answer.status, answer.body);
    bench.problems.push(...bad.map((problem) => `answer of ${match.operation.id}: ${problem}`));
  }
  send(answer.status, answer.body);
}

async function restAnswer(state: State, match: Match, query: URLSearchParams, body: unknown): Promise<RestAnswer> {
  try {
    return await answerRest(state, match, query, body);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { status: error.status, body: serviceError(error.message, error.typeKey) };
  }
}

function requestProblems(
  table: Contract,
  match: Match,
  query: URLSearchParams,
  apiVersion: string | undefined,
  body: { readonly json: unknown; readonly type: string } | undefined,
): string[] {
  const problems = table.queryProblems(match.operation, query);
  if (apiVersion !== match.operation.apiVersion) {
    problems.push(`api-version ${apiVersion} instead of ${match.operation.apiVersion}`);
  }
  problems.push(...table.bodyProblems(match.operation, body?.json));
  if (body !== undefined && !body.type.startsWith('application/json')) problems.push(`content type ${body.type}`);
  return problems;
}

function discover(state: State, tables: readonly Contract[], method: string, path: string): unknown {
  const below = path.slice(`/${state.organization}/`.length);
  if (!path.startsWith(`/${state.organization}/`)) return undefined;
  if (method === 'OPTIONS') return locations(below, tables);
  if (method !== 'GET') return undefined;
  if (/^_apis\/connectionData$/i.test(below)) return connectionData(state.collectionUrl);
  if (/^_apis\/resourceAreas$/i.test(below)) return resourceAreas(state.collectionUrl, tables);
  return undefined;
}

function failNow(
  failure: Failure,
  send: (status: number, answer: unknown, headers?: Record<string, string>) => void,
  record: (status: number) => void,
  response: ServerResponse,
): void {
  const { kind } = failure;
  if (kind === 'slow') {
    record(0);
    return;
  }
  if (kind === 'cut') {
    record(0);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"id": "');
    setImmediate(() => response.destroy());
    return;
  }
  if (kind === 'signIn') {
    record(203);
    response
      .writeHead(203, { 'content-type': 'text/html' })
      .end('<html><title>Azure DevOps Services | Sign In</title></html>');
    return;
  }
  if (kind === 'redirect') {
    record(302);
    response.writeHead(302, { location: 'https://spsprodweu1.vssps.visualstudio.com/_signin' }).end();
    return;
  }
  const headers = failure.retryAfter === undefined ? {} : { 'retry-after': String(failure.retryAfter) };
  send(
    kind,
    serviceError(failure.message ?? `The test asked for ${kind}.`, failure.typeKey ?? 'VssServiceException'),
    headers as Record<string, string>,
  );
}

/** The form of the service's error bodies (public logs; the specification does not have it). */
function serviceError(message: string, typeKey: string): unknown {
  return {
    $id: '1',
    innerException: null,
    message,
    typeName: `Microsoft.${typeKey}`,
    typeKey,
    errorCode: 0,
    eventId: 3000,
  };
}

function credentials(request: IncomingMessage, token: string): RecordedRequest['authorization'] {
  const header = request.headers.authorization;
  if (header === undefined) return 'none';
  const [scheme = '', value = ''] = header.split(' ');
  if (scheme.toLowerCase() === 'bearer') return value === token ? 'bearer' : 'wrong';
  if (scheme.toLowerCase() !== 'basic') return 'wrong';
  return Buffer.from(value, 'base64').toString('utf8').split(':')[1] === token ? 'basic' : 'wrong';
}

/** `{project}/_git/{repository}/...` */
function gitRequest(state: State, path: string): { repository: ServedRepository; rest: string } | undefined {
  const [, organization, project, marker, name, ...rest] = path.split('/');
  if (organization !== state.organization || marker !== '_git' || project !== state.project.name) return undefined;
  const repository = state.repositories.find((one) => one.name === name);
  return repository === undefined ? undefined : { repository, rest: rest.join('/') };
}

function versionOf(request: IncomingMessage, query: URLSearchParams): string | undefined {
  const inHeader = /api-version=([^;,\s]+)/.exec(request.headers.accept ?? '')?.[1];
  return query.get('api-version') ?? inHeader;
}

function tableOf(
  tables: readonly Contract[],
  apiVersion: string | undefined,
  method: string,
  path: string,
): { readonly table?: Contract; readonly match?: Match } {
  const version = /^\d+\.\d+/.exec(apiVersion ?? '')?.[0];
  for (const table of tables.filter((one) => one.facts.version === version)) {
    const match = table.find(method, path);
    if (match !== undefined) return { table, match };
  }
  return {};
}

async function readBody(request: IncomingMessage): Promise<{ json: unknown; type: string } | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  if (chunks.length === 0) return undefined;
  const text = Buffer.concat(chunks).toString('utf8');
  try {
    return { json: JSON.parse(text), type: request.headers['content-type'] ?? '' };
  } catch {
    return { json: text, type: request.headers['content-type'] ?? '' };
  }
}
