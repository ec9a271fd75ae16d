import { setTimeout as sleep } from 'node:timers/promises';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { z } from 'zod';

// JavaScript, because tests also run it as a program.

/** An MCP server with tools for tests. `notes` gets a line for each event of a tool. */
export function mcpServer(notes = []) {
  const server = new McpServer({ name: 'test', version: '1.0.0' });
  const text = (value) => ({ content: [{ type: 'text', text: value }] });
  server.registerTool(
    'add',
    { description: 'Adds two numbers', inputSchema: { a: z.int(), b: z.int() } },
    ({ a, b }) => text(String(a + b)),
  );
  server.registerTool('boom', { inputSchema: { msg: z.string() } }, ({ msg }) => {
    throw new Error(`nope ${msg}`);
  });
  server.registerTool('jira', { inputSchema: { summary: z.string() } }, ({ summary }) => text(summary));
  server.registerTool('environment', { inputSchema: { name: z.string() } }, ({ name }) =>
    text(process.env[name] ?? '<unset>'),
  );
  server.registerTool('echo', { inputSchema: { text: z.string() } }, ({ text: value }) => text(value));
  server.registerTool('many', { inputSchema: { size: z.int() } }, ({ size }) => text('x'.repeat(size)));
  server.registerTool(
    'show',
    { title: 'Show everything', annotations: { readOnlyHint: true, title: 'Show' }, inputSchema: {} },
    () => ({
      content: [
        { type: 'text', text: 'a text' },
        { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' },
        { type: 'resource', resource: { uri: 'file:///a.txt', text: 'inside', mimeType: 'text/plain' } },
        { type: 'resource', resource: { uri: 'file:///b.bin', blob: 'AAAA' } },
        { type: 'resource_link', name: 'c', uri: 'file:///c.txt' },
        { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' },
      ],
    }),
  );
  server.registerTool('wait', { inputSchema: {} }, async (_args, { signal }) => {
    notes.push('waiting');
    await sleep(60_000, undefined, { signal }).catch(() => notes.push('cancelled'));
    return text('waited');
  });
  let grown;
  server.registerTool('grow', { inputSchema: { tool: z.string() } }, ({ tool }) => {
    grown = server.registerTool(tool, { inputSchema: {} }, () => text(`this is ${tool}`));
    return text('grown');
  });
  server.registerTool('shrink', { inputSchema: {} }, () => {
    grown.remove();
    return text('shrunk');
  });
  server.registerTool('die', { inputSchema: {} }, () => process.exit(3));
  return server;
}
