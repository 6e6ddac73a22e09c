/** Pipeline variables, whatever they come from: the agent's environment, a test, a laptop. */
export interface Variables {
  /** By the real name, e.g. `Build.SourceVersion`; undefined when it is not set or empty. */
  get(name: string): string | undefined;
  /** The real names, as far as they are known. Needed to find the artifacts of a classic release by their aliases. */
  names(): readonly string[];
}

/**
 * The agent's rule for the name of an environment variable: dots and spaces become underscores, letters upper case.
 * Source: azure-pipelines-agent `VarUtil.ConvertToEnvVariableFormat`.
 */
export function environmentName(name: string): string {
  return name.replace(/[. ]/g, '_').toUpperCase();
}

/** Variables from a plain record of real names; names are compared without regard to case, as Azure Pipelines does. */
export function variablesOf(values: Readonly<Record<string, string | undefined>>): Variables {
  const byName = new Map<string, string>();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') byName.set(name.toLowerCase(), value);
  }
  return {
    get: (name) => byName.get(name.toLowerCase()),
    names: () => Object.keys(values),
  };
}

/** Variables as the agent puts them into the environment of a process. The real names are lost there. */
export function variablesOfEnvironment(env: NodeJS.ProcessEnv): Variables {
  return {
    get: (name) => env[environmentName(name)] || env[name] || undefined,
    names: () => [],
  };
}
