import { mkdir, mkdtemp, readFile, rm, stat, symlink } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import { writeFiles } from '../../test/support/write-files.js';
import { AppConfig } from '../config/index.js';
import { useKeptSecretKey } from './kept-secret-key.js';

describe('the secret key that is kept for a web UI', () => {
  const FILE = 'agent-canvas/secret-key.txt';
  const before = process.env['OH_PERSISTENCE_DIR'];
  let folder: string;
  let warnings: unknown[];

  beforeEach(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'kept-key-'));
    process.env['OH_PERSISTENCE_DIR'] = folder;
    warnings = [];
    const ignore = (): void => undefined;
    Logger.overrideLogger({ log: ignore, error: ignore, warn: (text) => warnings.push(text) });
  });
  afterEach(async () => {
    Logger.overrideLogger(true);
    if (before === undefined) delete process.env['OH_PERSISTENCE_DIR'];
    else process.env['OH_PERSISTENCE_DIR'] = before;
    await rm(folder, { recursive: true });
  });

  /** The key of a server with a web UI and without one of its own. */
  const keyOfServer = async (): Promise<string | null> => {
    const config = Object.assign(new AppConfig(), { base_dir: folder, ui_path: folder });
    await useKeptSecretKey(config);
    return config.secret_key;
  };

  it.each([
    ['an empty file', ''],
    ['several lines', 'one\ntwo\n'],
    ['control characters', 'a\0b'],
    ['a file that is too large', 'x'.repeat(5000)],
  ])('is neither used nor replaced if its file is damaged: %s', async (_what, content) => {
    await writeFiles(folder, { [FILE]: content });
    expect(await keyOfServer()).toBeNull();
    expect(warnings).toEqual([
      expect.stringMatching(
        /^no secret key: .*secret-key\.txt contains no key of one line.* set OH_SECRET_KEY, or mend or remove/,
      ),
    ]);
    expect(await readFile(path.join(folder, FILE), 'utf8')).toBe(content);
  });

  it.each([
    ['a folder', () => mkdir(path.join(folder, FILE), { recursive: true })],
    ['a file in the place of its folder', () => writeFiles(folder, { 'agent-canvas': '' })],
    [
      'a link that leads nowhere',
      async () => {
        await mkdir(path.join(folder, 'agent-canvas'));
        await symlink('gone', path.join(folder, FILE));
      },
    ],
  ])('does not keep the server from starting: %s', async (_what, prepare) => {
    await prepare();
    expect(await keyOfServer()).toBeNull();
    expect(warnings).toEqual([expect.stringMatching(/^no secret key: /)]);
  });

  it('is made for this user only, and used again', async () => {
    const key = await keyOfServer();
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect((await stat(path.join(folder, FILE))).mode & 0o777).toBe(0o600);
    expect(await keyOfServer()).toBe(key);
    expect(warnings).toEqual([]);
  });
});
