import path from 'node:path';
import { dashedUuid } from '../../text/index.js';

/** Only the owner reads what is stored: conversations hold secrets of tools and people. */
export const FILE_MODE = 0o600;
export const FOLDER_MODE = 0o700;

/** What is in the folder of a conversation. */
export const LOG_FILE = 'events.jsonl';
/** What the log says of its lines; whoever finds another log than it was made of reads the log. */
export const INDEX_FILE = 'events.index';
/** It is being made: without metadata there is no conversation. */
export const UNFINISHED_FILE = 'unfinished';
export const METADATA_FILE = 'metadata.json';
/** The first metadata on their way: where there are no others and these are whole, they count. */
export const FIRST_METADATA_FILE = 'metadata.json.first';
export const LEASE_FILE = 'owner_lease.json';

const FOLDER_NAME = /^[0-9a-f]{32}$/;

/**
 * The folder of a conversation: the 32 hex digits of its id.
 * @throws RangeError for anything but a UUID, so that no id can lead out of the store
 */
export function conversationFolder(conversationsPath: string, conversationId: string): string {
  const name = conversationId.replaceAll('-', '').toLowerCase();
  if (!FOLDER_NAME.test(name)) throw new RangeError(`not a conversation id: ${conversationId}`);
  return path.join(conversationsPath, name);
}

/** The dashed UUID that a folder stands for, or undefined when it is no conversation's folder. */
export function conversationIdOf(folderName: string): string | undefined {
  if (!FOLDER_NAME.test(folderName)) return undefined;
  return dashedUuid(folderName);
}
