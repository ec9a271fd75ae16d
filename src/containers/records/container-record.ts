import type { Cipher } from '../../crypto/index.js';
import { asJsonObject, isJsonObject, type JsonObject } from '../../json/index.js';

/** Where servers in containers see their workspace. */
export const DEFAULT_WORKING_DIR = '/workspace';

/** Limits that the request for a conversation has set instead of the server's. */
export interface ContainerOptions {
  memory: string | null;
  cpus: number | null;
  browser: boolean;
}

/** What is kept of a conversation in a container. It is what makes one: the container may be gone. */
export interface ContainerRecord {
  /** Dashed UUID. */
  conversationId: string;
  /** The session key of its server. */
  apiKey: string;
  /** The key that its server encrypts stored secrets with. */
  encryptionKey: string;
  /** The folder of this machine that it sees as `/workspace`. */
  workspace: string;
  /** The working directory of the conversation, as its server sees it: that folder, or one in it. */
  workingDir: string;
  container: ContainerOptions | null;
  /** The key that the conversation belongs to; null: the administrator's. */
  ownerKey: string | null;
  /** `launched_agent_profile` of the conversation. */
  launchedProfile: JsonObject | null;
  /** What its models have cost so far, as it was counted for its key (US dollars). */
  countedUsd: number;
  /** The conversation exists; until then it is being created, or was when a crash came. */
  isCreated: boolean;
}

/** The text of a record's file; the keys are encrypted. The field names are those of the original. */
export function formatRecord(record: ContainerRecord, cipher: Cipher): string {
  return JSON.stringify({
    conversation_id: record.conversationId,
    api_key: cipher.encrypt(record.apiKey),
    encryption_key: cipher.encrypt(record.encryptionKey),
    workspace_path: record.workspace,
    working_dir: record.workingDir,
    launched_agent_profile: record.launchedProfile,
    container: record.container,
    owner_key: record.ownerKey,
    counted_usd: record.countedUsd,
    created: record.isCreated,
  });
}

/**
 * Reads the text of a record's file.
 * @throws Error that says what is wrong, without keys
 */
export function parseRecord(text: string, conversationId: string, cipher: Cipher): ContainerRecord {
  const fields = objectIn(text);
  const { conversation_id, workspace_path, working_dir, container, created, counted_usd } = fields;
  const { launched_agent_profile: launched } = fields;
  if (conversation_id !== conversationId) throw new Error('it is the record of another conversation');
  if (typeof workspace_path !== 'string' || !workspace_path.startsWith('/'))
    throw new Error('it names no workspace');
  const keyOf = (name: 'api_key' | 'encryption_key'): string => {
    const token = fields[name];
    const key = typeof token === 'string' ? cipher.decrypt(token) : undefined;
    if (key === undefined)
      throw new Error(
        `no key of this server opens its ${name}: OH_SECRET_KEY has changed since it was written`,
      );
    return key;
  };
  return {
    conversationId,
    apiKey: keyOf('api_key'),
    encryptionKey: keyOf('encryption_key'),
    workspace: workspace_path,
    workingDir: typeof working_dir === 'string' ? working_dir : DEFAULT_WORKING_DIR,
    container: isJsonObject(container) ? optionsOf(container) : null,
    ownerKey: ownerIn(fields),
    launchedProfile: isJsonObject(launched) ? launched : null,
    countedUsd: typeof counted_usd === 'number' ? counted_usd : 0,
    isCreated: created !== false,
  };
}

/**
 * The key that a record names; null for the administrator's, also in a text that is no record: nobody else
 * sees such a conversation.
 */
export function ownerInText(text: string): string | null {
  try {
    return ownerIn(asJsonObject(JSON.parse(text)));
  } catch {
    return null;
  }
}

function ownerIn({ owner_key: owner }: Record<string, unknown>): string | null {
  return typeof owner === 'string' ? owner : null;
}

/** The message of the parser would quote the text. */
function objectIn(text: string): Record<string, unknown> {
  try {
    return asJsonObject(JSON.parse(text));
  } catch {
    throw new Error('it is not valid JSON');
  }
}

function optionsOf({ memory, cpus, browser }: Record<string, unknown>): ContainerOptions {
  return {
    memory: typeof memory === 'string' ? memory : null,
    cpus: typeof cpus === 'number' ? cpus : null,
    browser: browser !== false,
  };
}
