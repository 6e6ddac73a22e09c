/** `tsx test/tools/cli.ts NAME...`: builds tools and prints their paths, so that a build can be had before it is waited for. */
import { type ToolName, tool } from './index.ts';

for (const name of process.argv.slice(2)) console.log(await tool(name as ToolName));
