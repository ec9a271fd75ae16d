import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('mcp-stdio.mjs', import.meta.url));

/** The configuration of the MCP server that speaks over stdio and notes what happens to it in a file. */
export function mcpProgram(notesFile: string, more: object = {}) {
  return { command: process.execPath, args: [PROGRAM, notesFile], ...more };
}

/** The notes of such servers, one a line; none as long as the file does not exist. */
export async function mcpNotes(notesFile: string): Promise<string[]> {
  const text = await readFile(notesFile, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

/** The ids of the processes in the notes, in the order in which they started. */
export async function mcpPids(notesFile: string): Promise<number[]> {
  const lines = await mcpNotes(notesFile);
  return lines.filter((line) => line.startsWith('pid ')).map((line) => Number(line.slice('pid '.length)));
}
