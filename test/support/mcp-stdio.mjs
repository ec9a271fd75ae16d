import { appendFileSync } from 'node:fs';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { mcpServer } from './mcp-tools.mjs';

// node mcp-stdio.mjs <file for notes>: its process id first, then what happens.
const [, , file] = process.argv;
const note = (line) => appendFileSync(file, `${line}\n`);
note(`pid ${process.pid}`);
process.stderr.write('a word on stderr\n');
await mcpServer({ push: note }).connect(new StdioServerTransport());
