import { writeFileSync } from 'node:fs';

const file = `${process.env.AGENT_TEMPDIRECTORY}/summary.md`;
writeFileSync(file, `The password is\n${process.env.SECRET_DB_PASSWORD}\n`);
console.log(`##vso[task.uploadsummary]${file}`);
