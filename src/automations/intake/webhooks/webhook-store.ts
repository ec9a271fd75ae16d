import { randomBytes, randomUUID } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { Cipher } from '../../../crypto/index.js';
import { isJsonObject, type JsonObject } from '../../../json/index.js';
import { AUTOMATION_WEBHOOKS_DOCUMENT, Documents } from '../../../storage/index.js';
import { NoSecretKeyError, sourceTaken, tooManyWebhooks, webhookNotFound } from './webhook-errors.js';
import { readWebhook, type StoredWebhook, type Webhook, type WebhookSettings } from './webhook.js';

const VERSION = 1;
/** Most webhooks of a server. */
export const MAX_WEBHOOKS = 200;

/**
 * The sources of events, in one document that all servers of the storage share. Secrets are encrypted with
 * the server's key.
 */
@Injectable()
export class WebhookStore {
  private readonly logger = new Logger('Automations');
  private reported = '';

  constructor(
    private readonly documents: Documents,
    private readonly cipher: Cipher,
  ) {}

  /** All webhooks, the newest first. @throws DamagedDocumentError, StorageFailedError */
  async all(): Promise<Webhook[]> {
    return this.readable(await this.load())
      .reverse()
      .map(shown);
  }

  /** @throws NotFoundError, DamagedDocumentError, StorageFailedError */
  async get(id: string): Promise<Webhook> {
    const found = this.readable(await this.load()).find((webhook) => webhook.id === id);
    if (!found) throw webhookNotFound();
    return shown(found);
  }

  /**
   * The webhook of a source with its secret; undefined if there is none.
   * @throws NoSecretKeyError if no key of the server decrypts the secret; DamagedDocumentError,
   * StorageFailedError
   */
  async ofSource(source: string): Promise<{ webhook: Webhook; secret: string } | undefined> {
    const found = this.readable(await this.load()).find((webhook) => webhook.source === source);
    if (!found) return undefined;
    const secret = this.cipher.decrypt(found.secret);
    if (secret === undefined) throw new NoSecretKeyError();
    return { webhook: shown(found), secret };
  }

  /**
   * @param secret of the sender; undefined: one is made
   * @throws NoSecretKeyError, ConflictError, ConflictError, DamagedDocumentError,
   * StorageFailedError
   */
  async create(
    settings: WebhookSettings,
    secret = newSecret(),
  ): Promise<{ webhook: Webhook; secret: string }> {
    const sealed = this.seal(secret);
    const now = new Date().toISOString();
    const webhook: Webhook = { id: randomUUID(), ...settings, created_at: now, updated_at: now };
    await this.change((stored) => {
      if (Object.keys(stored).length >= MAX_WEBHOOKS) throw tooManyWebhooks(MAX_WEBHOOKS);
      const isTaken = this.readable(stored).some(({ source }) => source === webhook.source);
      if (isTaken) throw sourceTaken(webhook.source);
      return [{ ...stored, [webhook.id]: { ...webhook, secret: sealed } }, undefined];
    });
    return { webhook, secret };
  }

  /** @throws NotFoundError, DamagedDocumentError, StorageFailedError */
  update(id: string, changes: Partial<Omit<WebhookSettings, 'source'>>): Promise<Webhook> {
    return this.edit(id, (webhook) => ({ ...webhook, ...changes }));
  }

  /** Replaces the secret by a new one. @throws as `create` and `update` */
  async rotate(id: string): Promise<string> {
    const secret = newSecret();
    const sealed = this.seal(secret);
    await this.edit(id, (webhook) => ({ ...webhook, secret: sealed }));
    return secret;
  }

  /** Removes a webhook, even if it cannot be read. @throws NotFoundError, StorageFailedError */
  async remove(id: string): Promise<void> {
    await this.change((stored) => {
      if (!Object.hasOwn(stored, id)) throw webhookNotFound();
      const { [id]: _removed, ...rest } = stored;
      return [rest, undefined];
    });
  }

  private edit(id: string, edited: (webhook: StoredWebhook) => StoredWebhook): Promise<Webhook> {
    return this.change((stored) => {
      const found = this.readable(stored).find((webhook) => webhook.id === id);
      if (!found) throw webhookNotFound();
      const changed = { ...edited(found), updated_at: new Date().toISOString() };
      return [{ ...stored, [id]: changed }, shown(changed)];
    });
  }

  private seal(secret: string): string {
    if (!this.cipher.enabled) throw new NoSecretKeyError();
    return this.cipher.encrypt(secret);
  }

  /** @param work the stored webhooks after the change, and its result */
  private change<T>(work: (stored: JsonObject) => [JsonObject, T]): Promise<T> {
    return this.documents.change(async (writer) => {
      const [webhooks, result] = work(await this.load());
      await writer.write(AUTOMATION_WEBHOOKS_DOCUMENT, { schema_version: VERSION, webhooks });
      return result;
    });
  }

  private async load(): Promise<JsonObject> {
    const document = await this.documents.read(AUTOMATION_WEBHOOKS_DOCUMENT);
    return isJsonObject(document?.webhooks) ? document.webhooks : {};
  }

  /** In the order of their creation. Damaged ones are left out, and reported once. */
  private readable(stored: JsonObject): StoredWebhook[] {
    const read = Object.entries(stored).map(([id, value]) => ({ id, webhook: readWebhook(id, value) }));
    const damaged = read.filter(({ webhook }) => !webhook).map(({ id }) => id);
    if (damaged.length > 0 && damaged.join() !== this.reported) {
      this.reported = damaged.join();
      this.logger.error(`webhooks that cannot be read are ignored: ${damaged.join(', ')}`);
    }
    return read.flatMap(({ webhook }) => (webhook ? [webhook] : []));
  }
}

function shown({ secret: _secret, ...webhook }: StoredWebhook): Webhook {
  return webhook;
}

/** 256 bits, in the form of Standard Webhooks, which the other schemes take as a text. */
function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}
