process.stdout.write(Buffer.from('caf\u00e9\n', 'latin1'));
