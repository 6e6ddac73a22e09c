process.on('SIGINT', () => console.log('one moment please'));
process.on('SIGTERM', () => process.exit(0));
setInterval(() => undefined, 1000);
console.log('ready');
