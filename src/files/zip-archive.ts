import { constants } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { crc32, createDeflateRaw, deflateRaw, deflateRawSync } from 'node:zlib';

const compressed = promisify(deflateRaw);

/** A file or folder in a zip. */
export interface ZipMember {
  /** Relative path; ends with a slash for a folder. */
  name: string;
  /** Permissions. */
  mode: number;
  modified: Date;
  /** The complete content, or a stream of it. A folder has none. */
  content?: Buffer | AsyncGenerator<Buffer, void>;
}

/*
 * The format is defined by PKWARE's APPNOTE 6.3.10
 * (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT), sections 4.3 to 4.5.
 */
const LOCAL_HEADER = 0x04034b50;
const DATA_DESCRIPTOR = 0x08074b50;
const DIRECTORY_HEADER = 0x02014b50;
const DIRECTORY_END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const DIRECTORY_END = 0x06054b50;
/** Version 4.5 has 64-bit sizes. Created on Unix, so that attributes are permissions. */
const VERSION = 45;
const MADE_BY = (3 << 8) | VERSION;
const SIZES_FOLLOW = 1 << 3;
const NAME_IS_UTF8 = 1 << 11;
const DEFLATED = 8;
const EXTRA_64 = 1;
/** Upper bound on what deflate adds to small incompressible content (bytes). 64 is also zlib's minimum. */
const MAX_OVERHEAD = 64;
const FOLDER_ATTRIBUTE = 0x10;
/** Replaces a number that does not fit into 16 or 32 bits; the number is in the 64-bit fields. */
const MAX_16 = 0xffff;
const MAX_32 = 0xffffffff;
/** Smaller content (bytes) is compressed synchronously, which is faster than using a thread. */
const SMALL = 4 * 1024;
/** Directory headers per chunk of output. */
const HEADERS_PER_CHUNK = 500;

/** The header fields of a member. */
interface Entry {
  name: Buffer;
  attributes: number;
  time: number;
  flags: number;
  crc: number;
  packed: number;
  size: number;
  offset: number;
}

/**
 * Creates a zip file while it is being read. In memory are one member, or a chunk of it, and some 200 bytes
 * per member for the directory. There may be any number of members of any size.
 *
 * No library fits: yazl searches all members for each one, zip-stream writes the directory as one chunk,
 * fflate supports at most 65,535 members, and others do not compress or leave their sources open when the
 * reader stops.
 */
export async function* zipArchive(members: AsyncIterable<ZipMember>): AsyncGenerator<Buffer, void> {
  const directory: Buffer[] = [];
  let offset = 0;
  for await (const member of members) {
    const entry = entryOf(member, offset);
    const { content = Buffer.alloc(0) } = member;
    for await (const bytes of Buffer.isBuffer(content)
      ? fromBuffer(entry, content)
      : fromStream(entry, content)) {
      offset += bytes.length;
      yield bytes;
    }
    directory.push(directoryHeader(entry));
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  for (let at = 0; at < directory.length; at += HEADERS_PER_CHUNK)
    yield Buffer.concat(directory.slice(at, at + HEADERS_PER_CHUNK));
  yield directoryEnd(directory.length, size, offset);
}

function entryOf({ name, mode, modified, content }: ZipMember, offset: number): Entry {
  const isFolder = name.endsWith('/');
  const type = isFolder ? constants.S_IFDIR : constants.S_IFREG;
  const isComplete = content === undefined || Buffer.isBuffer(content);
  return {
    name: Buffer.from(name),
    attributes: (((type | mode) << 16) | (isFolder ? FOLDER_ATTRIBUTE : 0)) >>> 0,
    time: dosTime(modified),
    flags: isComplete ? NAME_IS_UTF8 : NAME_IS_UTF8 | SIZES_FOLLOW,
    ...{ crc: 0, packed: 0, size: 0, offset },
  };
}

async function* fromBuffer(entry: Entry, content: Buffer): AsyncGenerator<Buffer, void> {
  // By default zlib allocates 16 KiB for each result, however short.
  const options = { chunkSize: content.length + MAX_OVERHEAD };
  const packed = content.length < SMALL ? deflateRawSync(content, options) : await compressed(content);
  Object.assign(entry, { crc: crc32(content), packed: packed.length, size: content.length });
  yield localHeader(entry);
  yield packed;
}

/** Size and checksum follow the content. */
async function* fromStream(
  entry: Entry,
  content: AsyncGenerator<Buffer, void>,
): AsyncGenerator<Buffer, void> {
  yield localHeader(entry);
  const deflate = createDeflateRaw();
  const feeding = pipeline(counted(entry, content), deflate);
  // The reader of `deflate` gets the error, too.
  feeding.catch(() => undefined);
  try {
    for await (const bytes of deflate) {
      if (!Buffer.isBuffer(bytes)) continue;
      entry.packed += bytes.length;
      yield bytes;
    }
    await feeding;
  } finally {
    deflate.destroy();
    await feeding.catch(() => undefined);
  }
  yield numbers([DATA_DESCRIPTOR, 4], [entry.crc, 4], [entry.packed, 8], [entry.size, 8]);
}

async function* counted(entry: Entry, content: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
  for await (const bytes of content) {
    entry.crc = crc32(bytes, entry.crc);
    entry.size += bytes.length;
    yield bytes;
  }
}

function localHeader({ name, time, flags, crc, packed, size }: Entry): Buffer {
  const isStream = (flags & SIZES_FOLLOW) !== 0;
  // Declares 64-bit sizes in the data descriptor.
  const extra = isStream ? numbers([EXTRA_64, 2], [16, 2], [0, 8], [0, 8]) : Buffer.alloc(0);
  return Buffer.concat([
    numbers([LOCAL_HEADER, 4], [VERSION, 2], [flags, 2], [DEFLATED, 2], [time, 4], [crc, 4]),
    isStream ? numbers([MAX_32, 4], [MAX_32, 4]) : numbers([packed, 4], [size, 4]),
    numbers([name.length, 2], [extra.length, 2]),
    name,
    extra,
  ]);
}

function directoryHeader({ name, attributes, time, flags, crc, packed, size, offset }: Entry): Buffer {
  const large = [size, packed, offset].filter((number) => number >= MAX_32);
  const extra =
    large.length === 0
      ? Buffer.alloc(0)
      : numbers([EXTRA_64, 2], [8 * large.length, 2], ...large.map((number) => [number, 8] as const));
  return Buffer.concat([
    numbers(
      [DIRECTORY_HEADER, 4],
      [MADE_BY, 2],
      [VERSION, 2],
      [flags, 2],
      [DEFLATED, 2],
      [time, 4],
      [crc, 4],
    ),
    numbers([Math.min(packed, MAX_32), 4], [Math.min(size, MAX_32), 4]),
    // No comment, the first disk, no internal attributes.
    numbers([name.length, 2], [extra.length, 2], [0, 2], [0, 2], [0, 2]),
    numbers([attributes, 4], [Math.min(offset, MAX_32), 4]),
    name,
    extra,
  ]);
}

/** @param offset of the directory, `size` bytes long */
function directoryEnd(count: number, size: number, offset: number): Buffer {
  const short = numbers(
    ...([
      [DIRECTORY_END, 4],
      [0, 2],
      [0, 2],
      [Math.min(count, MAX_16), 2],
    ] as const),
    ...([
      [Math.min(count, MAX_16), 2],
      [Math.min(size, MAX_32), 4],
      [Math.min(offset, MAX_32), 4],
      [0, 2],
    ] as const),
  );
  if (count < MAX_16 && size < MAX_32 && offset < MAX_32) return short;
  return Buffer.concat([
    // The length excludes the signature and the length itself.
    numbers([DIRECTORY_END_64, 4], [44, 8], [MADE_BY, 2], [VERSION, 2], [0, 4], [0, 4]),
    numbers([count, 8], [count, 8], [size, 8], [offset, 8]),
    numbers([LOCATOR_64, 4], [0, 4], [offset + size, 8], [1, 4]),
    short,
  ]);
}

/** Local time, in steps of two seconds, from 1980 to 2107. */
function dosTime(date: Date): number {
  const year = Math.min(Math.max(date.getFullYear(), 1980), 2107) - 1980;
  const day = (year << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  return ((day << 16) | time) >>> 0;
}

/** Encodes unsigned numbers of 2, 4 or 8 bytes, little-endian. */
function numbers(...fields: readonly (readonly [value: number, bytes: 2 | 4 | 8])[]): Buffer {
  const buffer = Buffer.alloc(fields.reduce((sum, [, bytes]) => sum + bytes, 0));
  let at = 0;
  for (const [value, bytes] of fields) {
    if (bytes === 8) buffer.writeBigUInt64LE(BigInt(value), at);
    else buffer.writeUIntLE(value, at, bytes);
    at += bytes;
  }
  return buffer;
}
