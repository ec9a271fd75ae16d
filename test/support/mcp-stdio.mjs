import { appendFileSync } from 'node:fs';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { mcpServer } from './mcp-tools.mjs';

// node mcp-stdio.mjs FILE: an MCP server that writes its process id and its events to the file.
const [, , file] = process.argv;
const note = (line) => appendFileSync(file, `${line}\n`);
note(`pid ${process.pid}`);
process.stderr.write('a word on stderr\n');
await mcpServer({ push: note }).connect(new StdioServerTransport());
