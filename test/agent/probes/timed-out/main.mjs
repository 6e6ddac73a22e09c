process.on('SIGINT', () => process.exit(0));
setInterval(() => undefined, 1000);
