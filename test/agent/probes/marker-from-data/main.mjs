const data = '##vso[task.logissue type=warning;code=FROM-DATA]all is well';
console.log(data);
