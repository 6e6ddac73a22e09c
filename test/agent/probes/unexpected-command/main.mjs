console.log('##vso[task.prependpath]/opt/foreign/bin');
