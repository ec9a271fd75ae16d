import { inflateRawSync } from 'node:zlib';

const DIRECTORY_END = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const FILE_HEADER = 0x04034b50;
const STORED = 0;

/** The files in a zip archive by name, read from its central directory. */
export function zipEntries(zip: Buffer): Map<string, Buffer> {
  return new Map([...zipReaders(zip)].map(([name, read]) => [name, read()]));
}

/** As `zipEntries`, but a file is inflated only when it is read. */
export function zipReaders(zip: Buffer): Map<string, () => Buffer> {
  let end = zip.length - 22;
  while (end >= 0 && zip.readUInt32LE(end) !== DIRECTORY_END) end -= 1;
  if (end < 0) throw new Error('no zip archive');
  const readers = new Map<string, () => Buffer>();
  let { count, at } = directoryOf(zip, end);
  for (; count > 0; count -= 1) {
    if (zip.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error('an entry of the directory is missing');
    const stored = zip.readUInt16LE(at + 10) === STORED;
    const size = zip.readUInt32LE(at + 20);
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    const local = zip.readUInt32LE(at + 42);
    if (zip.readUInt32LE(local) !== FILE_HEADER) throw new Error(`the file of the entry ${name} is missing`);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    readers.set(name, () => {
      const bytes = zip.subarray(start, start + size);
      return stored ? bytes : inflateRawSync(bytes);
    });
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return readers;
}

/**
 * The number of entries and the offset of the first; large archives have both in a separate 64-bit record.
 */
function directoryOf(zip: Buffer, end: number): { count: number; at: number } {
  const count = zip.readUInt16LE(end + 10);
  if (count < 0xffff) return { count, at: zip.readUInt32LE(end + 16) };
  const end64 = Number(zip.readBigUInt64LE(end - 20 + 8));
  return { count: Number(zip.readBigUInt64LE(end64 + 32)), at: Number(zip.readBigUInt64LE(end64 + 48)) };
}
