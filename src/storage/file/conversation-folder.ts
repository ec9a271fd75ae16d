import path from 'node:path';
import { dashedUuid } from '../../text/index.js';

/** Stored files are readable by their owner only: conversations contain secrets. */
export const FILE_MODE = 0o600;
export const FOLDER_MODE = 0o700;

/** Files in the folder of a conversation. */
export const LOG_FILE = 'events.jsonl';
/** A saved index of the log. It is ignored if the log has changed since. */
export const INDEX_FILE = 'events.index';
/** Exists while the conversation is being created. Without metadata there is no conversation then. */
export const UNFINISHED_FILE = 'unfinished';
export const METADATA_FILE = 'metadata.json';
/** The first metadata before their rename. They are used if they are complete and there are no others. */
export const FIRST_METADATA_FILE = 'metadata.json.first';
export const LEASE_FILE = 'owner_lease.json';

const FOLDER_NAME = /^[0-9a-f]{32}$/;

/**
 * The folder of a conversation: the 32 hex digits of its id.
 * @throws RangeError for anything but a UUID, so that no id can leave the folder
 */
export function conversationFolder(conversationsPath: string, conversationId: string): string {
  const name = conversationId.replaceAll('-', '').toLowerCase();
  if (!FOLDER_NAME.test(name)) throw new RangeError(`not a conversation id: ${conversationId}`);
  return path.join(conversationsPath, name);
}

/** The id of the conversation in a folder, or undefined for other folder names. */
export function conversationIdOf(folderName: string): string | undefined {
  if (!FOLDER_NAME.test(folderName)) return undefined;
  return dashedUuid(folderName);
}
