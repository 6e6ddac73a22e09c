import { spawn } from 'node:child_process';

spawn(process.execPath, ['-e', 'setTimeout(() => undefined, 60000)'], { detached: true, stdio: 'ignore' }).unref();
