import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { tarGz } from '../../../../../test/support/canvas-app.js';
import { BackendRefusedError } from '../backend-errors.js';
import { unpack } from './unpack.js';

describe('unpack', () => {
  it('causes no unhandled rejection wherever an archive is truncated', async () => {
    const place = await mkdtemp(path.join(os.tmpdir(), 'unpack-'));
    const unhandled: unknown[] = [];
    const listen = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', listen);
    try {
      // Random bytes do not compress, so that several chunks arrive while a file is written.
      const entries = Array.from({ length: 4 }, (_, index) => ({
        name: `file-${index}`,
        content: randomBytes(30_000).toString('base64'),
      }));
      const whole = await tarGz(entries);
      for (let length = whole.length - 1; length > 0; length -= 4_001) {
        const folder = path.join(place, String(length));
        await expect(unpack(piecesOf(whole.subarray(0, length)), folder, 0)).rejects.toThrow(
          BackendRefusedError,
        );
      }
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', listen);
      await rm(place, { recursive: true, force: true });
    }
  });
});

function piecesOf(bytes: Buffer): Readable {
  const pieces = Array.from({ length: Math.ceil(bytes.length / 1_000) }, (_, index) =>
    bytes.subarray(index * 1_000, (index + 1) * 1_000),
  );
  return Readable.from(pieces);
}
