import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { NamedKeys, type Principal } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { parseNamedKey } from '../../crypto/index.js';
import { errorMessage } from '../../errors/index.js';
import { SharedRun } from '../../flow/index.js';
import { Hints } from '../../storage/index.js';
import { isExpired, principalFor, type KeyRecord } from '../store/key-record.js';
import { KeyStore, type KeyRecords } from '../store/key-store.js';
import { KeyUses } from './key-uses.js';
import { VerifiedKeys } from './verified-keys.js';

/** The topic of the hint that a key was made, changed or revoked; its id. */
const KEYS_CHANGED = 'keys-changed';
/**
 * How old the known keys may be (ms). Servers that share a storage tell each other what changes; the command
 * line does not, and a hint may be lost.
 */
const FRESH_MS = 1_000;

/** Somebody who wants to know when the rights of a principal end. */
interface Watcher {
  principal: Principal;
  listener: () => void;
}

/** The keys as they are now: verifies those that clients show, and ends what was begun with revoked ones. */
@Injectable()
export class KeyRing extends NamedKeys implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Keys');
  private records: KeyRecords = new Map();
  private readonly principals = new WeakMap<KeyRecord, Principal>();
  /** When the keys were asked for that are known now (`performance.now()`). */
  private readAt = -Infinity;
  private changedAt = -Infinity;
  private readonly reading = new SharedRun(() => this.read());
  private readonly verified = new VerifiedKeys();
  private readonly uses: KeyUses;
  private readonly watchers = new Set<Watcher>();
  private timer: NodeJS.Timeout | undefined;
  private hasFailed = false;
  private readonly stopListening: () => void;

  constructor(
    private readonly store: KeyStore,
    private readonly config: AppConfig,
    private readonly hints: Hints,
  ) {
    super();
    this.uses = new KeyUses((uses) => store.noteUses(uses));
    this.stopListening = hints.listen(KEYS_CHANGED, () => void this.refresh());
  }

  /** Says so if keys were made that protect nothing. */
  onApplicationBootstrap(): void {
    const { session_api_keys: keys, require_keys, deferred_init } = this.config;
    if (keys.length > 0 || require_keys || deferred_init) return;
    this.current()
      .then((records) => {
        if (records.size === 0) return;
        this.logger.warn(
          `${records.size} named keys exist, but this server needs none: EVERYBODY whom it answers is administrator. ` +
            'Set SESSION_API_KEY, or require_keys (OH_REQUIRE_KEYS=true) to serve named keys only.',
        );
      })
      .catch((error: unknown) => this.logger.warn(`the named keys cannot be read: ${errorMessage(error)}`));
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopListening();
    clearInterval(this.timer);
    await this.uses.flush();
  }

  async verify(key: string, mayCheck: () => boolean): Promise<Principal | undefined> {
    const shown = parseNamedKey(key);
    const record = shown && (await this.look(shown.id, mayCheck));
    if (!record || !(await this.verified.isRight(shown.secret, record, mayCheck))) return undefined;
    // It may have been revoked while it was checked.
    const now = this.valid(this.records, record.id);
    if (now?.hash.hash !== record.hash.hash) return undefined;
    this.uses.note(now);
    return this.principalOf(now);
  }

  async find(id: string): Promise<Principal | undefined> {
    const record = await this.look(id, () => true);
    if (!record) return undefined;
    this.uses.note(record);
    return this.principalOf(record);
  }

  known(id: string): Principal | undefined {
    if (performance.now() - this.readAt > FRESH_MS) void this.refresh();
    const record = this.valid(this.records, id);
    return record && this.principalOf(record);
  }

  async isValid(id: string): Promise<boolean> {
    return (await this.look(id, () => true)) !== undefined;
  }

  whenEnded(principal: Principal, listener: () => void): () => void {
    const watcher = { principal, listener };
    this.watchers.add(watcher);
    this.timer ??= setInterval(() => void this.refresh(), FRESH_MS).unref();
    return () => {
      this.watchers.delete(watcher);
      if (this.watchers.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    };
  }

  /** Call after a key was made, changed or revoked. Resolves when this server acts on it. */
  async changed(id: string): Promise<void> {
    this.hints.tell(KEYS_CHANGED, id);
    await this.refresh();
  }

  /** Reads the keys and ends what was begun with keys that are not valid any more. Never rejects. */
  private async refresh(): Promise<void> {
    this.changedAt = performance.now();
    try {
      await this.reading.run();
      this.hasFailed = false;
    } catch (error) {
      // What is open stays open; no further key is accepted.
      if (!this.hasFailed) this.logger.warn(`the named keys cannot be read: ${errorMessage(error)}`);
      this.hasFailed = true;
    }
  }

  /** A key that is not known yet may have been made on another server just now. */
  private async look(id: string, mayRead: () => boolean): Promise<KeyRecord | undefined> {
    const known = await this.current();
    if (!known.has(id) && mayRead()) await this.reading.run();
    return this.valid(this.records, id);
  }

  private async current(): Promise<KeyRecords> {
    const isFresh = this.readAt >= this.changedAt && performance.now() - this.readAt < FRESH_MS;
    if (!isFresh) await this.reading.run();
    return this.records;
  }

  private async read(): Promise<void> {
    const askedAt = performance.now();
    this.records = await this.store.all();
    this.readAt = askedAt;
    for (const watcher of this.watchers) {
      if (this.isStill(watcher.principal)) continue;
      this.watchers.delete(watcher);
      watcher.listener();
    }
  }

  private isStill({ id, scope, reach }: Principal): boolean {
    const record = this.valid(this.records, id);
    return record?.scope === scope && record.reach === reach;
  }

  private valid(records: KeyRecords, id: string): KeyRecord | undefined {
    const record = records.get(id);
    return record && !isExpired(record) ? record : undefined;
  }

  private principalOf(record: KeyRecord): Principal {
    const known = this.principals.get(record);
    if (known) return known;
    const principal = principalFor(record);
    this.principals.set(record, principal);
    return principal;
  }
}
