console.log('##vso[task.finish result=Succeeded]done');
