console.log('##vso[task.setvariable variable=outcome]applied');
console.log('##vso[task.setvariable variable=PATH2]/opt/foreign/bin');
