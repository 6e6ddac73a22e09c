console.log('##vso[task]almost');
