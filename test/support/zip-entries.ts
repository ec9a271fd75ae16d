import { inflateRawSync } from 'node:zlib';

const DIRECTORY_END = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const STORED = 0;

/** The files in a zip archive by name, read from its central directory. */
export function zipEntries(zip: Buffer): Map<string, Buffer> {
  let end = zip.length - 22;
  while (end >= 0 && zip.readUInt32LE(end) !== DIRECTORY_END) end -= 1;
  if (end < 0) throw new Error('no zip archive');
  const entries = new Map<string, Buffer>();
  let { count, at } = directoryOf(zip, end);
  for (; count > 0; count -= 1) {
    if (zip.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error('an entry of the directory is missing');
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) =>
      zip.readUInt16LE(at + offset),
    );
    const name = zip.subarray(at + 46, at + 46 + (nameLength ?? 0)).toString();
    const local = zip.readUInt32LE(at + 42);
    const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const bytes = zip.subarray(start, start + zip.readUInt32LE(at + 20));
    entries.set(name, zip.readUInt16LE(at + 10) === STORED ? bytes : inflateRawSync(bytes));
    at += 46 + (nameLength ?? 0) + (extraLength ?? 0) + (commentLength ?? 0);
  }
  return entries;
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
