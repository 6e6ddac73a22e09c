console.log(`##vso[task.addattachment type=result;name=result.json]${process.env.AGENT_TEMPDIRECTORY}/result.json`);
