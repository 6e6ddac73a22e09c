import { writeFileSync } from 'node:fs';

const file = `${process.env.AGENT_TEMPDIRECTORY}/environment.json`;
const { argv, env, version } = process;
writeFileSync(file, JSON.stringify({ env, args: argv.slice(1), cwd: process.cwd(), version }));
console.log(`##vso[task.addattachment type=sample;name=environment.json]${file}`);
