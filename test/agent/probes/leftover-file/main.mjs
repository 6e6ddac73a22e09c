import { writeFileSync } from 'node:fs';

writeFileSync(`${process.env.AGENT_TEMPDIRECTORY}/kubeconfig`, 'users: []\n');
