console.log('##vso[task.complete result=Cancelled]cancelled');
