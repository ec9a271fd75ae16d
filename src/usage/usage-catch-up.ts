import {
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { errorMessage } from '../errors/index.js';
import { EventBus } from '../events/index.js';
import {
  Catalogue,
  EventLogStore,
  type CatalogueCursor,
  type CatalogueEntry,
  type UsageEntry,
} from '../storage/index.js';
import { callsInLog } from './log-calls.js';
import { UsageRecorder } from './usage-recorder.js';

/** Conversations of one page of the catalogue. */
const PAGE = 100;
/**
 * How far before the newest entry logs are read: an event becomes durable, and is written to the ledger, this
 * much after its time at most, also when the storage was away meanwhile (ms).
 */
const MARGIN_MS = 3_600_000;
/** With several servers, how often what killed ones have left is looked for (ms). */
const REPEAT_MS = 600_000;

/** Opened conversations that are kept to be looked at; more have changed anyway. */
const MAX_OPENED = 10_000;

/** The id of a conversation. */
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** What a catch-up has done. */
export interface CaughtUp {
  conversations: number;
  /** Calls that the ledger did not have. */
  added: number;
  /** Conversations whose logs cannot be read. */
  unreadable: number;
}

/**
 * Adds to the ledger what only the logs of conversations have: what the last moments before a crash have left
 * out, or everything where there is no ledger.
 */
@Injectable()
export class UsageCatchUp implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Usage');
  private readonly closing = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  /** Whoever had these before may have been killed, with metadata that are older than the log. */
  private readonly opened = new Set<string>();
  private unsubscribe: () => void = () => undefined;

  constructor(
    private readonly recorder: UsageRecorder,
    private readonly catalogue: Catalogue,
    private readonly logs: EventLogStore,
    private readonly bus: EventBus,
    private readonly config: AppConfig,
  ) {}

  onModuleInit(): void {
    this.unsubscribe = this.bus.subscribe('*', {
      onEvent: () => undefined,
      onOpening: ({ conversationId, length }) => {
        if (length > 0 && this.opened.size < MAX_OPENED) this.opened.add(conversationId);
        return Promise.resolve();
      },
    });
  }

  /** In the background: a server with many conversations starts as fast as one with few. */
  onApplicationBootstrap(): void {
    this.start(() => this.sinceNewest());
    this.timer = setInterval(() => {
      const isShared = this.config.database_url !== null;
      if (isShared || this.recorder.takeIncomplete())
        this.start(() => Promise.resolve(Date.now() - REPEAT_MS - MARGIN_MS));
    }, REPEAT_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    this.closing.abort();
    this.unsubscribe();
    clearInterval(this.timer);
    await this.running;
  }

  /** Whether logs are being read. */
  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /**
   * Reads the logs.
   * @param since of conversations that have changed after this time (ms since the epoch); undefined: all
   * @param onConversation called after each conversation
   */
  async run(since?: number, onConversation: () => void = () => undefined): Promise<CaughtUp> {
    const done = { conversations: 0, added: 0, unreadable: 0 };
    for await (const entry of this.conversations(since)) {
      if (this.closing.signal.aborted) break;
      done.conversations += 1;
      try {
        done.added += await this.readOne(entry, since);
      } catch (error) {
        done.unreadable += 1;
        this.logger.warn(`conversation ${entry.id}: its usage cannot be read: ${errorMessage(error)}`);
      }
      onConversation();
    }
    return done;
  }

  private start(since: () => Promise<number | undefined>): void {
    this.running ??= this.runLogged(since).finally(() => (this.running = undefined));
  }

  private async runLogged(since: () => Promise<number | undefined>): Promise<void> {
    try {
      const { added, conversations } = await this.run(await since());
      if (added > 0)
        this.logger.log(
          `${added} calls were added to the ledger from the logs of ${conversations} conversations`,
        );
    } catch (error) {
      if (!this.closing.signal.aborted)
        this.logger.error(`the ledger of usage cannot be completed from the logs: ${errorMessage(error)}`);
    }
  }

  private async sinceNewest(): Promise<number | undefined> {
    // What was written while the clock was ahead does not say up to when the ledger is complete.
    const newest = await this.recorder.read((ledger) => ledger.newest(Date.now()));
    return newest === undefined ? undefined : newest - MARGIN_MS;
  }

  private async readOne(entry: CatalogueEntry, since: number | undefined): Promise<number> {
    let added = 0;
    /** Other conversations that calls name, and whether they are there. */
    const sources = new Map<string, boolean>();
    const log = await this.logs.read(entry.id);
    try {
      for await (const calls of callsInLog(log, entry, since)) {
        if (this.closing.signal.aborted) break;
        const own: UsageEntry[] = [];
        for (const call of calls) {
          // A log may come from elsewhere (an import): it counts for nobody but whose it is here.
          const counted = this.recorder.own({ ...call, key_id: entry.owner_key }, entry.id);
          if (!(await this.isCopied(counted, entry, sources))) own.push(counted);
        }
        if (own.length > 0) added += await this.recorder.read((ledger) => ledger.append(own));
      }
    } finally {
      await log.close();
    }
    return added;
  }

  /** Whether a call is that of another conversation, in whose log it is as well. */
  private async isCopied(
    { conversation_id: source }: UsageEntry,
    { id }: CatalogueEntry,
    sources: Map<string, boolean>,
  ): Promise<boolean> {
    if (source === id || source === null || !UUID.test(source)) return false;
    const known = sources.get(source) ?? (await this.catalogue.has(source));
    sources.set(source, known);
    return known;
  }

  private async *conversations(since: number | undefined): AsyncGenerator<CatalogueEntry> {
    yield* this.listed(since);
    for (const id of this.opened) {
      this.opened.delete(id);
      const entry = await this.catalogue.entry(id);
      if (entry) yield entry;
    }
  }

  /** Sources before their forks, so that a call is the source's; or those that have changed since. */
  private async *listed(since: number | undefined): AsyncGenerator<CatalogueEntry> {
    const order = since === undefined ? 'CREATED_AT' : 'UPDATED_AT_DESC';
    const oldest = since === undefined ? '' : new Date(since).toISOString().slice(0, 23);
    let after: CatalogueCursor | undefined;
    for (;;) {
      const page = await this.catalogue.page({ order, limit: PAGE, after });
      for (const entry of page) {
        if (entry.updated_at < oldest) return;
        yield entry;
      }
      after = page.at(-1);
      if (page.length < PAGE || after === undefined) return;
    }
  }
}
