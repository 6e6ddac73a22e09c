export interface Variable {
  readonly name: string;
  readonly value: string;
  readonly secret: boolean;
  readonly readOnly: boolean;
  readonly preserveCase: boolean;
}

/** Pipeline variables: names without regard to case, a secret stays a secret, what is read-only stays so (agent: Variables.cs). */
export class Variables {
  readonly #variables = new Map<string, Variable>();

  set(
    name: string,
    value: string,
    options: { secret?: boolean; readOnly?: boolean; preserveCase?: boolean } = {},
  ): Variable {
    const key = name.toLowerCase();
    const before = this.#variables.get(key);
    const variable = {
      name,
      value,
      secret: options.secret === true || before?.secret === true,
      readOnly: options.readOnly === true || before?.readOnly === true,
      preserveCase: options.preserveCase ?? false,
    };
    this.#variables.set(key, variable);
    return variable;
  }

  get(name: string): string | undefined {
    return this.#variables.get(name.toLowerCase())?.value;
  }

  /** A .NET boolean: anything that is not `true` or `false` counts as not set. */
  flag(name: string): boolean | undefined {
    const value = this.get(name)?.trim().toLowerCase();
    return value === 'true' ? true : value === 'false' ? false : undefined;
  }

  number(name: string): number | undefined {
    const value = this.get(name);
    return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
  }

  isReadOnly(name: string): boolean {
    const key = name.toLowerCase();
    return this.#variables.get(key)?.readOnly === true || systemVariables.has(key);
  }

  all(): readonly Variable[] {
    return [...this.#variables.values()];
  }
}

const names = (prefix: string, list: string): string[] =>
  list
    .trim()
    .split(/\s+/)
    .map((name) => `${prefix}.${name}`);

/** Variables that the agent owns (agent: Constants.cs, Variables.ReadOnlyVariables). */
const systemVariables = new Set([
  ...names(
    'agent',
    `builddirectory cloudid containerid containermapping containernetwork diagnostic homedirectory id isselfhosted jobname
     jobstatus machinename name os osarchitecture osversion proxybypasslist proxypassword proxyurl proxyusername
     readonlyvariables releasedirectory retaindefaultencoding rootdirectory runmode serveromdirectory cainfo clientcert
     clientcertarchive clientcertkey clientcertpassword skipcertvalidation tempdirectory toolsdirectory version workfolder
     workingdirectory`,
  ),
  ...names(
    'build',
    `artifactstagingdirectory binariesdirectory clean definitionname gated.runci gated.shelvesetname buildnumber
     repository.clean repository.git.submodulecheckout repository.id repository.localpath repository.name
     repository.provider repository.tfvc.workspace repository.uri sourcebranch sourcesdirectory sourcetfvcshelveset
     sourceversion sourceversionauthor sourceversionmessage stagingdirectory syncsources useserverworkspaces`,
  ),
  ...names(
    'release',
    `attemptnumber definitionid definitionname environmentname environmenturi releasedescription releaseid releasename
     releaseuri releaseweburl requestedfor requestedforid skipartifactsdownload`,
  ),
  ...names(
    'system',
    `accesstoken artifactsdirectory collectionid culture debug defaultworkingdirectory definitionid definitionname
     enableaccesstoken hosttype isazurevm isdockercontainer jobattempt jobdisplayname jobid jobname phaseattempt
     phasedisplayname phasename planid prefergitfrompath pullrequest.targetbranch selfmanagegitcreds servertype
     sourceversionmessage stageattempt stagedisplayname stagename teamfoundationserveruri teamproject teamprojectid
     workfolder`,
  ),
  'common.testresultsdirectory',
  'pipeline.workspace',
  'task.displayname',
]);
