import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { AppConfig } from '../../config/index.js';
import { isFolder, undefinedIfMissing } from '../../files/index.js';
import { CopyError } from '../copying/copy-error.js';

/** One side of a move as it was named, before it is opened. */
export interface Place {
  kind: 'files' | 'database';
  /** For messages: no user, no password. */
  label: string;
  /** The configuration of a server that stores everything there. */
  config: AppConfig;
}

const DATABASE_URL = /^postgres(?:ql)?:\/\//;
/** The name of the folder of a conversation. */
export const CONVERSATION_FOLDER = /^[0-9a-f]{32}$/;

/**
 * The place that a text names: the URL of a database, `postgres` for the configured one, or a folder.
 * @param config that of the server, for everything that the text does not say
 * @throws CopyError for an unknown scheme or a folder that holds no conversations
 */
export async function resolvePlace(
  text: string,
  config: AppConfig,
  role: 'source' | 'target',
): Promise<Place> {
  if (/^postgres(?:ql)?$/.test(text)) {
    if (config.database_url === null)
      throw new CopyError('no database is configured: set OH_DATABASE_URL, or give its URL');
    return databasePlace(config.database_url, config);
  }
  if (DATABASE_URL.test(text)) return databasePlace(text, config);
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? [];
  if (scheme !== undefined)
    throw new CopyError(`unknown kind of place ${scheme}://: give a folder, or postgres://host/database`);
  return folderPlace(path.resolve(config.base_dir, text), config, role);
}

function databasePlace(text: string, config: AppConfig): Place {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // The text may have a password.
    throw new CopyError(
      'the URL of the database is invalid: it must be like postgres://user:password@host/database',
    );
  }
  const name = url.pathname.slice(1);
  const place = `${url.host === '' ? 'the local socket' : url.host}, database ${name === '' ? '(default)' : name}`;
  return {
    kind: 'database',
    label: `PostgreSQL at ${place}`,
    config: changed(config, { database_url: text }),
  };
}

/** A folder with `conversations` in it, or the configured folder of conversations itself. */
async function folderPlace(folder: string, config: AppConfig, role: 'source' | 'target'): Promise<Place> {
  const place = (conversations: string, bash: string): Place => ({
    kind: 'files',
    label: `files in ${conversations}`,
    config: changed(config, {
      database_url: null,
      conversations_path: conversations,
      bash_events_dir: bash,
    }),
  });
  if (folder === config.paths.conversations) return place(folder, config.paths.bashEvents);
  const conversations = path.join(folder, 'conversations');
  const isConfigured = conversations === config.paths.conversations;
  const bash = isConfigured ? config.paths.bashEvents : path.join(folder, 'bash_events');
  if (role === 'target' || (await isFolder(conversations))) return place(conversations, bash);
  const names = await readdir(folder).catch(undefinedIfMissing);
  if (names === undefined) throw new CopyError(`${folder} does not exist`);
  throw new CopyError(
    names.some((name) => CONVERSATION_FOLDER.test(name))
      ? `${folder} holds conversations itself: give the folder above it, in which it is called conversations, or set OH_CONVERSATIONS_PATH to it`
      : `${folder} has no folder conversations: give the folder that has, such as workspace`,
  );
}

function changed(config: AppConfig, values: Partial<AppConfig>): AppConfig {
  return Object.assign(new AppConfig(), config, values);
}
