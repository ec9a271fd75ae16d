import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Logger } from '@nestjs/common';
import { type ConversationsService, parseWithYield } from '../../conversations/index.js';
import { errorMessage } from '../../errors/index.js';
import type { EventBus } from '../../events/index.js';
import { forEachBounded, KeyedSerialQueue } from '../../flow/index.js';
import type { EventLogStore, FollowedLog } from '../../storage/index.js';
import { type ContainerFolders, foldersOf } from './container-plan.js';

/** Between two looks at the logs (ms). */
const LOOK_MS = 300;
const PARALLEL_LOOKS = 4;
/** Between two looks at a log passes at least so many times what the first one has taken. */
const REST = 5;
/** Until a log is looked at again that cannot be followed (ms); each time is a line in the server's own. */
const REST_AFTER_FAILURE_MS = 30_000;
/** Lines that are read at a time. */
const CHUNK = 200;

/** What is known of one log. */
interface Followed {
  log: FollowedLog;
  /** How many of its events were published. */
  length: number;
  /** Size and times of the files when they were last read. */
  stamp: string;
  /** Not read again before this time (ms): a long log takes long, and an agent may change it all the time. */
  restsUntil: number;
}

/**
 * Publishes what servers in containers append to their logs as if it were appended here: to webhooks, which
 * deliver each event once, and to whoever watches lists. Servers in containers know no webhooks, whose
 * addresses and keys would be in reach of agents.
 */
export class LogFollower {
  private readonly logger = new Logger('Containers');
  private readonly followed = new Map<string, Followed>();
  private readonly queue = new KeyedSerialQueue();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;

  constructor(
    private readonly folders: ContainerFolders,
    private readonly bus: EventBus,
    private readonly logs: EventLogStore,
    private readonly conversations: ConversationsService,
  ) {}

  start(): void {
    this.timer = setInterval(() => {
      this.looking ??= this.look().finally(() => (this.looking = undefined));
    }, LOOK_MS).unref();
  }

  /** Begins or ends in the background, as the container of a conversation does. */
  follow(id: string, isRunning: boolean): void {
    const done = isRunning ? this.begin(id, false) : this.end(id, false);
    done.catch((error: unknown) => {
      this.logger.warn(`conversation ${id}: its events in the container: ${errorMessage(error)}`);
    });
  }

  /** Announces a conversation, of which so many events were published before. */
  async begin(id: string, fromStart: boolean): Promise<void> {
    await this.queue.run(id, async () => {
      if (this.followed.has(id)) return;
      const log = await this.logs.follow(id);
      const length = fromStart ? 0 : log.length;
      this.followed.set(id, { log, length, stamp: '', restsUntil: 0 });
      const snapshot = await this.conversations.storedSnapshot(id).catch(() => undefined);
      if (snapshot) await this.bus.opening({ conversationId: id, length, snapshot: () => snapshot });
    });
  }

  /** Publishes the rest and announces the end. */
  async end(id: string, removed: boolean): Promise<void> {
    await this.queue.run(id, async () => {
      const followed = this.followed.get(id);
      if (!followed) return;
      await this.publishNew(id, followed);
      this.followed.delete(id);
      const { log } = followed;
      try {
        await this.bus.closing({
          conversationId: id,
          length: followed.length,
          removed,
          owned: true,
          mayMove: false,
          read: (from, limit) => log.read(from, limit),
        });
      } finally {
        await log.close();
      }
    });
  }

  /** Publishes the rest of all logs; conversations go on without this server. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
    await forEachBounded([...this.followed.keys()], PARALLEL_LOOKS, (id) => this.end(id, false));
  }

  private look(): Promise<void> {
    const now = performance.now();
    const awake = [...this.followed].filter(([, { restsUntil }]) => restsUntil <= now);
    return forEachBounded(awake, PARALLEL_LOOKS, ([id, followed]) =>
      this.queue.run(id, () => this.publishNew(id, followed)),
    );
  }

  private async publishNew(id: string, followed: Followed): Promise<void> {
    const started = performance.now();
    let rest = 0;
    try {
      const stamp = await this.stampOf(id);
      if (stamp === followed.stamp || this.followed.get(id) !== followed) return;
      const { log } = followed;
      await log.refresh();
      while (followed.length < log.length) {
        const lines = await log.read(followed.length, CHUNK);
        if (lines.length === 0) break;
        for (const line of lines) {
          const event = await parseWithYield(line);
          if (event) this.bus.publish({ conversationId: id, event, line, seq: followed.length });
          followed.length += 1;
        }
      }
      followed.stamp = stamp;
      this.bus.publishUpdate(id);
    } catch (error) {
      rest = REST_AFTER_FAILURE_MS;
      this.logger.warn(
        `conversation ${id}: its events in the container cannot be followed: ${errorMessage(error)}`,
      );
    } finally {
      const ended = performance.now();
      followed.restsUntil = ended + Math.max(rest, REST * (ended - started));
    }
  }

  /** The log, and the state that lists show. */
  private async stampOf(id: string): Promise<string> {
    const { conversation } = foldersOf(this.folders, id);
    const stamps = ['events.jsonl', 'metadata.json'].map(async (name) => {
      const found = await stat(path.join(conversation, name)).catch(() => undefined);
      return found ? [found.ino, found.size, found.mtimeMs].join() : '';
    });
    return (await Promise.all(stamps)).join(' ');
  }
}
