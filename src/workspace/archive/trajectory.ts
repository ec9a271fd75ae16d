import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import { errorCode } from '../../errors/index.js';
import { maskedJson, maskedLine } from './masked-json.js';

/** Not for others: credentials of running agents, and what only this server needs. */
const LEFT_OUT = /^(acp|owner_lease\.json|.*\.tmp|.*\.lock)$/;
/** Longer JSON that is no list of lines is left out: it is read as a whole. */
const MAX_JSON = 64 * 1024 * 1024;
const LINE_END = 10;

/**
 * Writes everything that is stored of a conversation as a zip, secrets masked, while it is read. What is still being
 * written ends with its last whole line.
 * @param folder of the conversation
 * @param mask frees a text from secrets that the server knows
 */
export async function writeTrajectory(
  folder: string,
  out: Writable,
  mask: (text: string) => string,
): Promise<void> {
  const { ZipFile } = (await import('yazl')).default;
  const zip = new ZipFile();
  const name = path.basename(folder);
  for (const { file, parts } of await filesOf(folder, [])) {
    const member = [name, ...parts].join('/');
    zip.addReadStreamLazy(member, {}, (done) => {
      done(null, Readable.from(contentOf(file, mask), { objectMode: false }));
    });
  }
  zip.end();
  await pipeline(zip.outputStream, out);
}

async function filesOf(
  folder: string,
  parts: readonly string[],
): Promise<{ file: string; parts: string[] }[]> {
  const found: { file: string; parts: string[] }[] = [];
  for (const name of (await readdir(folder)).sort()) {
    if (LEFT_OUT.test(name)) continue;
    const file = path.join(folder, name);
    const stats = await lstat(file).catch(() => undefined);
    if (stats?.isDirectory()) found.push(...(await filesOf(file, [...parts, name])));
    else if (stats?.isFile()) found.push({ file, parts: [...parts, name] });
  }
  return found;
}

async function* contentOf(file: string, mask: (text: string) => string): AsyncGenerator<string | Buffer> {
  try {
    if (file.endsWith('.jsonl')) yield* maskedLines(file, mask);
    else if (file.endsWith('.json')) yield maskedJson(await readWhole(file), mask);
    else for await (const chunk of createReadStream(file)) if (Buffer.isBuffer(chunk)) yield chunk;
  } catch (error) {
    // It was removed meanwhile.
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

async function* maskedLines(file: string, mask: (text: string) => string): AsyncGenerator<string> {
  let pieces: Buffer[] = [];
  for await (const chunk of createReadStream(file)) {
    if (!Buffer.isBuffer(chunk)) continue;
    let start = 0;
    for (let end = chunk.indexOf(LINE_END); end !== -1; end = chunk.indexOf(LINE_END, start)) {
      const line = Buffer.concat([...pieces, chunk.subarray(start, end)]).toString();
      pieces = [];
      start = end + 1;
      yield `${maskedLine(line, mask)}\n`;
    }
    pieces.push(chunk.subarray(start));
  }
}

async function readWhole(file: string): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const chunk of createReadStream(file, { end: MAX_JSON - 1 })) {
    if (Buffer.isBuffer(chunk)) pieces.push(chunk);
  }
  return Buffer.concat(pieces).toString();
}
