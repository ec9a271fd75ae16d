import fs from 'node:fs';
import { promisify } from 'node:util';
import { assertPlainFile, PLAIN, readPlainFile } from '../../../files/index.js';
import { catalogueEntry, type CatalogueEntry, type StoredMetadata } from '../../catalogue.js';

// Plain descriptors: a `FileHandle` costs three times as much as the read.
const open = promisify(fs.open);
const read = promisify(fs.read);
const close = promisify(fs.close);

/** The beginning of the text that `formatMetadata` writes. */
const ENTRY_PREFIX =
  /^\{"id":"[0-9a-f-]{36}","created_at":"[^"\\\x00-\x1f]*","updated_at":"[^"\\\x00-\x1f]*","execution_status":"[^"\\\x00-\x1f]*","parent_conversation_id":(?:null|"[0-9a-f-]{36}")(?<owner>,"owner_key":(?:null|"[^"\\\x00-\x1f]{1,64}"))?/;
const MAX_PREFIX_BYTES = 500;
/** Somewhere else in a file: an older server, which does not know the field, has written it last. */
const LATER_OWNER = '"owner_key":"';
/** Every file ends with a newline, so that a truncated one is detected without parsing it. */
const NEWLINE = 10;

/**
 * The text of `metadata.json`. The fields of the entry come first, so that `readEntry` need not parse the
 * rest.
 */
export function formatMetadata(metadata: StoredMetadata): string {
  return `${JSON.stringify({ ...catalogueEntry(metadata), ...metadata })}\n`;
}

/**
 * Reads a whole `metadata.json`.
 * @throws Error when it cannot be read, is longer than `maxBytes` or is not the metadata of the conversation
 */
export async function readMetadata(
  file: string,
  conversationId: string,
  maxBytes = Infinity,
): Promise<StoredMetadata> {
  const metadata = parseJson(await readPlainFile(file, maxBytes));
  if (!isMetadata(metadata)) throw new Error('a required field is missing or not valid');
  if (metadata.id !== conversationId) throw new Error(`it belongs to conversation ${metadata.id}`);
  return metadata;
}

/** Files that are longer are not read at once: that would take a noticeable time. */
const MAX_SYNC_BYTES = 256 * 1024;

/** As `readMetadata`; undefined if the file is long, cannot be read or is not valid. */
export function readMetadataSync(file: string, conversationId: string): StoredMetadata | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = fs.openSync(file, fs.constants.O_RDONLY | PLAIN);
    assertPlainFile(descriptor, file);
    const { size } = fs.fstatSync(descriptor);
    if (size > MAX_SYNC_BYTES) return undefined;
    // No more than that: a file that somebody else writes may have grown since.
    const bytes = Buffer.allocUnsafe(size);
    const metadata = parseJson(bytes.toString('utf8', 0, fs.readSync(descriptor, bytes, 0, size, 0)));
    return isMetadata(metadata) && metadata.id === conversationId ? metadata : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor);
  }
}

/**
 * Reads only the fields of the list.
 * @param buffer scratch space; files that do not fit are parsed in full
 * @throws Error as `readMetadata` does; damage in the middle of the file is not detected
 */
export async function readEntry(
  file: string,
  conversationId: string,
  buffer: Buffer,
  maxBytes = Infinity,
): Promise<CatalogueEntry> {
  const descriptor = await open(file, fs.constants.O_RDONLY | PLAIN);
  let length: number;
  try {
    assertPlainFile(descriptor, file);
    length = (await read(descriptor, buffer, 0, buffer.length, 0)).bytesRead;
  } finally {
    await close(descriptor);
  }
  return parsePrefix(buffer, length, conversationId) ?? readMetadata(file, conversationId, maxBytes);
}

/** Synchronous `readEntry`; undefined if the file does not have our format or cannot be read. */
export function readEntrySync(
  file: string,
  conversationId: string,
  buffer: Buffer,
): CatalogueEntry | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = fs.openSync(file, fs.constants.O_RDONLY | PLAIN);
    assertPlainFile(descriptor, file);
    return parsePrefix(buffer, fs.readSync(descriptor, buffer, 0, buffer.length, 0), conversationId);
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor);
  }
}

/** The entry of a file that fits into the buffer and has our format. */
function parsePrefix(buffer: Buffer, length: number, conversationId: string): CatalogueEntry | undefined {
  const whole = length < buffer.length && buffer[length - 1] === NEWLINE;
  const match = whole
    ? ENTRY_PREFIX.exec(buffer.toString('latin1', 0, Math.min(MAX_PREFIX_BYTES, length)))
    : undefined;
  if (match?.groups?.['owner'] === undefined && buffer.subarray(0, length).includes(LATER_OWNER))
    return undefined;
  const head = match?.[0];
  // Parsed instead of sliced: a slice would keep the whole string in memory.
  const entry: unknown = head === undefined ? undefined : JSON.parse(`${head}}`);
  return isMetadata(entry) && entry.id === conversationId ? catalogueEntry(entry) : undefined;
}

/** The parser's own message would quote the text, which may contain secrets. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error(text === '' ? 'it is empty' : 'it is not valid JSON');
  }
}

/** A time as in the metadata: pages of lists are cut at them. */
const TIME = /^[0-9T:.Z+-]{10,40}$/;

function isMetadata(value: unknown): value is StoredMetadata {
  if (typeof value !== 'object' || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  const isTime = (time: unknown): boolean => typeof time === 'string' && TIME.test(time);
  return (
    ['id', 'execution_status'].every((name) => typeof fields.get(name) === 'string') &&
    ['created_at', 'updated_at'].every((name) => isTime(fields.get(name)))
  );
}
