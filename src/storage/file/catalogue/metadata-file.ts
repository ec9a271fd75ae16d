import fs from 'node:fs';
import { promisify } from 'node:util';
import { assertPlainFile, PLAIN, readPlainFile } from '../../../files/index.js';
import type { CatalogueEntry, StoredMetadata } from '../../catalogue.js';

// Plain descriptors: 10,000 file handles would cost three times as much as their reads.
const open = promisify(fs.open);
const read = promisify(fs.read);
const close = promisify(fs.close);

/** How `formatMetadata` begins. */
const HEAD =
  /^\{"id":"[0-9a-f-]{36}","created_at":"[^"\\\x00-\x1f]*","updated_at":"[^"\\\x00-\x1f]*","execution_status":"[^"\\\x00-\x1f]*","parent_conversation_id":(?:null|"[0-9a-f-]{36}")/;
const HEAD_BYTES = 400;
/** Every file ends in a newline, so that one which was cut is recognised without parsing it. */
const NEWLINE = 10;

/**
 * The text of `metadata.json`: the fields of the catalogue first, where `readEntry` finds them without
 * parsing the rest.
 */
export function formatMetadata(metadata: StoredMetadata): string {
  const { id, created_at, updated_at, execution_status, parent_conversation_id, ...rest } = metadata;
  const head = { id, created_at, updated_at, execution_status, parent_conversation_id };
  return `${JSON.stringify({ ...head, ...rest })}\n`;
}

/**
 * Reads a whole `metadata.json`.
 * @throws Error when it cannot be read or is not the metadata of this conversation
 */
export async function readMetadata(file: string, conversationId: string): Promise<StoredMetadata> {
  const metadata = parsed(await readPlainFile(file));
  if (!isMetadata(metadata)) throw new Error('a field of the list of conversations is missing');
  if (metadata.id !== conversationId) throw new Error(`it is of another conversation, ${metadata.id}`);
  return metadata;
}

/**
 * Reads only what the list needs.
 * @param buffer space for the file; larger files are parsed in full
 * @throws Error as `readMetadata` does; damage in the middle of the file is not seen
 */
export async function readEntry(
  file: string,
  conversationId: string,
  buffer: Buffer,
): Promise<CatalogueEntry> {
  const descriptor = await open(file, fs.constants.O_RDONLY | PLAIN);
  let length: number;
  try {
    assertPlainFile(descriptor, file);
    length = (await read(descriptor, buffer, 0, buffer.length, 0)).bytesRead;
  } finally {
    await close(descriptor);
  }
  return entryIn(buffer, length, conversationId) ?? readMetadata(file, conversationId);
}

/** The same while everything else waits; undefined where it takes more than a look, or fails. */
export function readEntryNow(
  file: string,
  conversationId: string,
  buffer: Buffer,
): CatalogueEntry | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = fs.openSync(file, fs.constants.O_RDONLY | PLAIN);
    assertPlainFile(descriptor, file);
    return entryIn(buffer, fs.readSync(descriptor, buffer, 0, buffer.length, 0), conversationId);
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor);
  }
}

/** The entry of a file that fits into the buffer and begins as our own do. */
function entryIn(buffer: Buffer, length: number, conversationId: string): CatalogueEntry | undefined {
  const whole = length < buffer.length && buffer[length - 1] === NEWLINE;
  const head = whole ? HEAD.exec(buffer.toString('latin1', 0, Math.min(HEAD_BYTES, length)))?.[0] : undefined;
  // Parsed, not cut out: a piece of a string keeps all of it in memory.
  const entry: unknown = head === undefined ? undefined : JSON.parse(`${head}}`);
  return isMetadata(entry) && entry.id === conversationId ? entry : undefined;
}

/** The parser's own message would show a piece of the text, and what is in it is nobody's business. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error(text === '' ? 'it is empty' : 'it is not valid JSON');
  }
}

function isMetadata(value: unknown): value is StoredMetadata {
  if (typeof value !== 'object' || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  return ['id', 'created_at', 'updated_at', 'execution_status'].every(
    (name) => typeof fields.get(name) === 'string',
  );
}
