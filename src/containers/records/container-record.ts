import type { Cipher } from '../../crypto/index.js';
import { asJsonObject, isJsonObject } from '../../json/index.js';

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
  container: ContainerOptions | null;
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
    launched_agent_profile: null,
    container: record.container,
    created: record.isCreated,
  });
}

/**
 * Reads the text of a record's file.
 * @throws Error that says what is wrong, without keys
 */
export function parseRecord(text: string, conversationId: string, cipher: Cipher): ContainerRecord {
  const fields = objectIn(text);
  const { conversation_id, workspace_path, container, created } = fields;
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
    container: isJsonObject(container) ? optionsOf(container) : null,
    isCreated: created !== false,
  };
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
