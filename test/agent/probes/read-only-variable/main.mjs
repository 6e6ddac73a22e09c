console.log('##vso[task.setvariable variable=system.defaultWorkingDirectory]/elsewhere');
