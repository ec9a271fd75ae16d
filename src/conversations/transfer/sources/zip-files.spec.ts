import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ZipArchive, ZIP_BOUNDS } from './zip-files.js';

/** What Python's `zipfile` has written with all numbers in 64-bit records: `a/meta.json`. */
const ZIP64 = Buffer.from(
  [
    'UEsDBC0AAAAAAAAAIQDs0jiT//////////8LABQAYS9tZXRhLmpzb24BABAADgAAAAAAAAAOAAAAAAAAAHsidGl0bGUiOiAi',
    'eCJ9UEsBAi0DLQAAAAAAAAAhAOzSOJP//////////wsAFAAAAAAAAAAAAIABAAAAAGEvbWV0YS5qc29uAQAQAA4AAAAAAAAA',
    'DgAAAAAAAABQSwYGLAAAAAAAAAAtAC0AAAAAAAAAAAABAAAAAAAAAAEAAAAAAAAATQAAAAAAAABLAAAAAAAAAFBLBgcAAAAA',
    'mAAAAAAAAAABAAAAUEsFBgAAAAABAAEATQAAAEsAAAAAAA==',
  ].join(''),
  'base64',
);
/** Where the number of entries is behind the signature of the 64-bit end of the directory (bytes). */
const COUNT_AT = 32;

describe('ZipArchive', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'zip-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const open = async (content: Buffer): Promise<ZipArchive> => {
    const file = path.join(folder, 'archive.zip');
    await writeFile(file, content);
    return ZipArchive.open(file, ZIP_BOUNDS);
  };

  it('reads archives with 64-bit records', async () => {
    const archive = await open(ZIP64);
    try {
      expect([...archive.entries.keys()]).toEqual(['a/meta.json']);
      const entry = archive.entries.get('a/meta.json');
      expect(entry && (await archive.read(entry, 100)).toString()).toBe('{"title": "x"}');
    } finally {
      archive.close();
    }
  });

  it('bounds what 64-bit records promise', async () => {
    const many = Buffer.from(ZIP64);
    many.writeBigUInt64LE(2n ** 40n, many.indexOf('PK\x06\x06') + COUNT_AT);
    await expect(open(many)).rejects.toThrow('more than 2000000 entries');
    // The size of the entry, which is the first 64-bit number of its extra field in the directory.
    const large = Buffer.from(ZIP64);
    const extra = large.indexOf('PK\x01\x02') + 46 + 'a/meta.json'.length + 4;
    large.writeBigUInt64LE(2n ** 50n, extra);
    await expect(open(large)).rejects.toThrow('size mismatch');
  });
});
