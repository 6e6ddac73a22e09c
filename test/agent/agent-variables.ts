import type { RunFolder } from './run-folder.ts';

/** How an agent was told to reach the network (`config.sh --proxyurl ... --sslcacert ...`). */
export interface NetworkOptions {
  readonly proxyUrl?: string;
  readonly proxyUsername?: string;
  readonly proxyPassword?: string;
  /** Regular expressions, as the agent's `.proxybypass` holds them. */
  readonly proxyBypass?: readonly string[];
  /** PEM files. */
  readonly caFile?: string;
  readonly clientCertFile?: string;
  readonly clientKeyFile?: string;
  readonly clientKeyPassphrase?: string;
  readonly skipCertValidation?: boolean;
}

/** The public variables `Agent.*`. */
export function agentVariables(folder: RunFolder, release: boolean, network: NetworkOptions): Record<string, string> {
  return {
    'Agent.Id': '7',
    'Agent.Name': 'agent-1',
    'Agent.MachineName': 'agent-1',
    'Agent.OS': 'Linux',
    'Agent.OSArchitecture': 'X64',
    'Agent.Version': '4.273.0',
    'Agent.IsSelfHosted': '1',
    'Agent.JobName': 'deploy',
    'Agent.JobStatus': 'Succeeded',
    'Agent.HomeDirectory': folder.root,
    'Agent.RootDirectory': folder.work,
    'Agent.WorkFolder': folder.work,
    'Agent.WorkingDirectory': folder.work,
    'Agent.TempDirectory': folder.temp,
    'Agent.ToolsDirectory': folder.tools,
    ...(release ? {} : { 'Agent.BuildDirectory': folder.job }),
    ...defined({
      'Agent.ProxyUrl': network.proxyUrl,
      'Agent.ProxyUsername': network.proxyUsername,
      'Agent.ProxyBypassList': network.proxyBypass === undefined ? undefined : JSON.stringify(network.proxyBypass),
      'Agent.CAInfo': network.caFile,
      'Agent.ClientCert': network.clientCertFile,
      'Agent.ClientCertKey': network.clientKeyFile,
      'Agent.SkipCertValidation': network.skipCertValidation === true ? 'True' : undefined,
    }),
  };
}

export function agentSecretVariables(network: NetworkOptions): Record<string, string> {
  return defined({
    'Agent.ProxyPassword': network.proxyPassword,
    'Agent.ClientCertPassword': network.clientKeyPassphrase,
  });
}

function defined(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
