import { errors } from 'undici';
import { InputError, messageOf, UnreachableError } from '../../errors.ts';
import { KubernetesNotPermittedError } from './kubernetes-error.ts';

/** Why no usable answer came. */
export interface ConnectionFailure {
  /** In our words. */
  readonly error: Error;
  /** The next attempt may go better: not so for a certificate that does not fit. */
  readonly temporary: boolean;
  /** The request may have reached the server. */
  readonly sent: boolean;
}

/** What undici, Node's sockets, TLS or zlib threw, or undefined when it is none of them but a mistake of ours. */
export function connectionFailure(server: string, error: unknown): ConnectionFailure | undefined {
  const code = codeOf(error);
  if (error instanceof errors.InvalidArgumentError || code === '') return undefined;
  const trust = trustFailure(server, code, error);
  if (trust !== undefined) return { error: trust, temporary: false, sent: false };
  const proxy = /Proxy response \((\d+)\)/.exec(messageOf(error))?.[1];
  if (proxy !== undefined) return proxyFailure(server, Number(proxy), error);
  const said = code === 'UND_ERR_HEADERS_TIMEOUT' ? 'the request was taken but not answered in time' : detailOf(error);
  return {
    error: new UnreachableError(`No answer from ${server}: ${said}. ${adviceFor(code)}`, { cause: error }),
    temporary: true,
    sent: !beforeSending(code, error),
  };
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

/** An AggregateError of several addresses has no message of its own. */
function detailOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : undefined;
  return messageOf(first ?? error) || codeOf(error);
}

function adviceFor(code: string): string {
  return code === 'ENOTFOUND' || code === 'EAI_AGAIN'
    ? 'The name is not known to this agent: check the address, and for a private cluster use an agent in its network.'
    : 'Check that the agent can reach the address (private cluster, firewall, proxy) and that the cluster is running.';
}

/** The connection was never made, so nothing can have happened on the server. */
function beforeSending(code: string, error: unknown): boolean {
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ECONNREFUSED') return true;
  const syscall = (error as { syscall?: unknown }).syscall;
  return syscall === 'connect' || syscall === 'getaddrinfo';
}

function trustFailure(server: string, code: string, error: unknown): Error | undefined {
  if (!/CERT|SIGNATURE|ISSUER|CA_KEY|ERR_TLS|ERR_SSL|ERR_OSSL|^EPROTO$|CRL|CHAIN/.test(code)) return undefined;
  const said = firstLine(detailOf(error));
  const inputError = (text: string) => new InputError(`${server} ${text}`, { cause: error });
  if (
    /WRONG_VERSION_NUMBER|PACKET_LENGTH|HTTP_REQUEST|UNKNOWN_PROTOCOL/.test(
      `${code} ${said.replace(/ /g, '_')}`.toUpperCase(),
    )
  ) {
    return inputError(`does not speak TLS (${said}). If it is a plain http server, its address begins with http://.`);
  }
  if (/ALERT_(UNKNOWN_CA|ACCESS_DENIED|\w*CERTIFICATE)/.test(code)) {
    return new KubernetesNotPermittedError(
      `${server} broke off the TLS handshake (${said}): it wants a client certificate, or does not accept the one of the connection.`,
      401,
    );
  }
  if (/ERR_OSSL|ERR_TLS_INVALID|KEY_VALUES/.test(code)) {
    return inputError(
      `cannot be reached because the certificate, key or authority of the connection cannot be used: ${said}. The client certificate and its key must belong together, be PEM, and have no passphrase.`,
    );
  }
  if (/^(EPROTO|ERR_SSL_)/.test(code)) {
    return inputError(`and this agent could not agree on TLS: ${said}. Something else may answer at this address.`);
  }
  const advice: Readonly<Record<string, string>> = {
    CERT_HAS_EXPIRED: 'Renew the certificate of the server or of its authority, or correct the clock of the agent.',
    CERT_NOT_YET_VALID: 'Correct the clock of the agent or of the server.',
    ERR_TLS_CERT_ALTNAME_INVALID:
      'Address the server by a name that its certificate has, or name that one as tls-server-name in the kubeconfig.',
  };
  return inputError(
    `could not be trusted: ${said.replace(/\.$/, '')}. ${advice[code] ?? "The connection's certificate authority does not fit this server; put the cluster's CA into the connection."}`,
  );
}

function proxyFailure(server: string, status: number, error: unknown): ConnectionFailure {
  if (status >= 500) {
    const text = `No answer from ${server}: the proxy answered HTTP ${status}. Check that the proxy can reach the address, or put it on the agent's proxy bypass list.`;
    return { error: new UnreachableError(text, { cause: error }), temporary: true, sent: false };
  }
  const text =
    status === 407
      ? 'the proxy wants a user name and password, or did not accept them (HTTP 407). Configure the agent with --proxyusername and --proxypassword'
      : `the proxy refused the connection (HTTP ${status}). Allow the address there`;
  return {
    error: new InputError(`${server} was not reached: ${text}, or put the address on the agent's proxy bypass list.`, {
      cause: error,
    }),
    temporary: false,
    sent: false,
  };
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}
