import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { deserialize, serialize } from 'node:v8';
import { openPlainFile, PLAIN } from '../../../files/index.js';
import { FILE_MODE } from '../conversation-folder.js';
import { EventIndex, type PackedIndex } from './event-index.js';

/** Raised whenever `PackedIndex` changes: an index of another layout is none. */
const LAYOUT = 1;
const HASH = 'sha1';
const HASH_BYTES = 20;

/** What stands in the file, behind a hash of it, in V8's own form for values. */
interface IndexRecord {
  layout: number;
  stamp: string;
  index: PackedIndex;
}

/**
 * Reads the index that was made of a log with this stamp. Whatever is not whole, or is of another log, is no
 * index: it holds nothing that the log does not hold, so that nobody needs to be told.
 */
export async function readIndex(file: string, stamp: string): Promise<EventIndex | undefined> {
  try {
    const bytes = await readBytes(file);
    const content = bytes.subarray(HASH_BYTES);
    if (!hashOf(content).equals(bytes.subarray(0, HASH_BYTES))) return undefined;
    const record: unknown = deserialize(content);
    if (!isOurs(record) || record.stamp !== stamp) return undefined;
    const { ids, ...others } = record.index;
    // Copies: what was read may be parts of the whole file, which would stay in memory.
    return EventIndex.of({ ...others, ids: { words: ids.words.slice(), slots: ids.slots.slice() } });
  } catch {
    // Not there, unreadable, or of a version of V8 that writes otherwise. The log tells the same.
    return undefined;
  }
}

/**
 * Writes the index of a log that has this stamp. It is not flushed: what a crash leaves of it is not whole,
 * and no index.
 * @returns false when the index has something that does not fit the file
 */
export async function writeIndex(file: string, stamp: string, index: EventIndex): Promise<boolean> {
  const packed = index.packed();
  if (packed === undefined) return false;
  const record: IndexRecord = { layout: LAYOUT, stamp, index: packed };
  const content = serialize(record);
  const flag = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | PLAIN;
  await writeFile(file, Buffer.concat([hashOf(content), content]), { mode: FILE_MODE, flag });
  return true;
}

async function readBytes(file: string): Promise<Buffer> {
  const handle = await openPlainFile(file);
  try {
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function hashOf(content: Buffer): Buffer {
  return createHash(HASH).update(content).digest();
}

/** What has the right hash was written here: the layout tells the rest. */
function isOurs(record: unknown): record is IndexRecord {
  return typeof record === 'object' && record !== null && 'layout' in record && record.layout === LAYOUT;
}
