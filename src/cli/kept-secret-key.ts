import { randomBytes } from 'node:crypto';
import { link, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import type { AppConfig } from '../config/index.js';
import { errorCode, errorMessage } from '../errors/index.js';
import {
  makeFolder,
  persistenceRoot,
  readBoundedText,
  syncFolder,
  undefinedIfMissing,
} from '../files/index.js';

/**
 * Below the persistence folder. The launcher of the agent canvas keeps its key in the same file: settings
 * that were stored with it stay readable.
 */
const FILE = 'agent-canvas/secret-key.txt';
const KEY_BYTES = 32;
const MAX_FILE_BYTES = 4096;
const OTHERS_MAY_READ = 0o077;

/**
 * Gives a server with a web UI and without a secret key one that is kept between restarts: the UI reads the
 * settings with encrypted secrets, and can send no message without a key. A server that has a key of its own,
 * or serves no UI, only decrypts with the kept one. If there is none and none can be made, the server starts
 * without a key and the log says what to do.
 */
export async function useKeptSecretKey(config: AppConfig): Promise<void> {
  const file = path.join(persistenceRoot(config.base_dir), FILE);
  const logger = new Logger('Secrets');
  if (config.secret_key !== null || config.ui_path === null) {
    const key = await readKey(file).catch(() => undefined);
    if (key !== undefined && key !== config.secret_key) config.previous_secret_keys.push(key);
    return;
  }
  try {
    const made = await makeKey(file);
    const key = await readKey(file);
    if (key === undefined) throw new Error(`${file} is a link that leads nowhere`);
    config.secret_key = key;
    config.origin.set('secret_key', { kind: 'file', name: file });
    logger.log(
      made
        ? `made a secret key, because the web UI needs one and OH_SECRET_KEY is not set: ${file} (back it up as well, apart from the settings)`
        : `OH_SECRET_KEY is not set: stored secrets are encrypted with the key in ${file}`,
    );
    if (((await stat(file)).mode & OTHERS_MAY_READ) !== 0)
      logger.warn(`other users may read the secret key: run chmod 600 ${file}`);
  } catch (error) {
    logger.warn(
      `no secret key: ${errorMessage(error)}. The web UI can send no message without one: set OH_SECRET_KEY, or mend or remove ${file}. ` +
        'What was encrypted with the key that was there can be read again only when it is back',
    );
  }
}

/**
 * Reads a kept key.
 * @returns undefined if there is no file
 * @throws Error for anything that is no key, errors of the system
 */
async function readKey(file: string): Promise<string | undefined> {
  const content = await readBoundedText(file, MAX_FILE_BYTES).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return null;
    throw error;
  });
  if (content === null) return undefined;
  const key = content?.text.trim() ?? '';
  if (content === undefined || content.cut || !/^[^\0-\x1f\x7f\ufffd]+$/.test(key))
    throw new Error(`${file} contains no key of one line`);
  return key;
}

/**
 * Makes the file with a new key, unless it exists. It appears with its whole content, so of several servers
 * that start at the same time all use the key of the first.
 * @returns whether it was made
 */
async function makeKey(file: string): Promise<boolean> {
  if ((await stat(file).catch(undefinedIfMissing)) !== undefined) return false;
  const { dir, base } = path.parse(file);
  await makeFolder(dir, 0o700);
  const temporary = path.join(dir, `.${base}.${randomBytes(4).toString('hex')}.tmp`);
  try {
    const key = randomBytes(KEY_BYTES).toString('hex');
    await writeFile(temporary, `${key}\n`, { mode: 0o600, flag: 'wx', flush: true });
    await link(temporary, file);
    await syncFolder(dir);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}
