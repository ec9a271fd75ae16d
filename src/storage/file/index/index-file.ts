import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { deserialize, serialize } from 'node:v8';
import { openPlainFile, PLAIN } from '../../../files/index.js';
import { FILE_MODE } from '../conversation-folder.js';
import { EventIndex, type PackedIndex } from './event-index.js';

/** Version of `PackedIndex`; an index of another version is ignored. */
const LAYOUT = 1;
const HASH = 'sha1';
const HASH_BYTES = 20;

/** The content of the file after its hash, in V8's serialization format. */
interface IndexRecord {
  layout: number;
  stamp: string;
  index: PackedIndex;
}

/**
 * Reads the index of a log with this stamp. Undefined if the file is missing, damaged or of another log; that
 * needs no report, because the log contains the same data.
 */
export async function readIndex(file: string, stamp: string): Promise<EventIndex | undefined> {
  try {
    const bytes = await readBytes(file);
    const content = bytes.subarray(HASH_BYTES);
    if (!hashOf(content).equals(bytes.subarray(0, HASH_BYTES))) return undefined;
    const record: unknown = deserialize(content);
    if (!isIndexRecord(record) || record.stamp !== stamp) return undefined;
    const { ids, ...others } = record.index;
    // Copies: the arrays may be views of the whole file, which would stay in memory.
    return EventIndex.of({ ...others, ids: { words: ids.words.slice(), slots: ids.slots.slice() } });
  } catch {
    // Missing, unreadable, or written by a V8 with another format.
    return undefined;
  }
}

/**
 * Writes the index of a log with this stamp. It is not flushed: the hash detects what a crash leaves
 * incomplete.
 * @returns false when the index cannot be packed
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

/** The hash was checked before: only the layout can differ. */
function isIndexRecord(record: unknown): record is IndexRecord {
  return typeof record === 'object' && record !== null && 'layout' in record && record.layout === LAYOUT;
}
