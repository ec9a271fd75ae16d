import { Logger } from '@nestjs/common';
import { errorMessage } from '../../../errors/index.js';
import type { BashFollower, BashRange } from '../../bash-history.js';

/** How often a history is looked at although no hint says that it has grown: hints may be lost (ms). */
const LOOK_EVERY_MS = 5_000;
/** Bytes that are read at a time. */
const READ_BYTES = 1024 * 1024;

/** An event with its number. */
export interface NumberedLine {
  number: number;
  line: string;
}

/** What a follower reads. */
interface FollowedHistory {
  range(): Promise<BashRange>;
  /** As `BashHistory.linesFrom`, but beginning with the first event that exists. */
  eventsFrom(from: number, bytes: number): Promise<NumberedLine[]>;
}

/** Delivers each event of a history in order, those of other servers after a hint. */
export class BashEventFollower {
  private readonly logger = new Logger('Bash');
  private readonly timer: NodeJS.Timeout;
  private readonly followers = new Set<BashFollower>();
  /** Number of the event to deliver next; undefined until the history was asked for it. */
  private next: number | undefined;
  private isReading = false;
  private mustReadAgain = false;
  /** Resolves when all events from then on will be delivered. */
  readonly started: Promise<void>;

  constructor(private readonly history: FollowedHistory) {
    this.started = this.history.range().then(({ next }) => {
      this.next ??= next;
    });
    // Whoever waits for it gets the failure; the first look tries again.
    this.started.catch(() => undefined);
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.timer.unref();
  }

  get size(): number {
    return this.followers.size;
  }

  add(follower: BashFollower): void {
    this.followers.add(follower);
  }

  remove(follower: BashFollower): void {
    this.followers.delete(follower);
  }

  stop(): void {
    clearInterval(this.timer);
    this.followers.clear();
  }

  /** An event of this server was stored. */
  stored(event: NumberedLine): void {
    if (this.next === event.number && !this.isReading) this.deliver(event);
    else this.look();
  }

  /** Reads what is new. */
  look(): void {
    if (this.isReading) {
      this.mustReadAgain = true;
      return;
    }
    this.isReading = true;
    this.read()
      .catch((error: unknown) => this.logger.warn(`bash events could not be read: ${errorMessage(error)}`))
      .finally(() => {
        this.isReading = false;
        if (!this.mustReadAgain) return;
        this.mustReadAgain = false;
        this.look();
      });
  }

  private async read(): Promise<void> {
    await this.started.catch(() => undefined);
    this.next ??= (await this.history.range()).next;
    while (this.followers.size > 0) {
      const events = await this.history.eventsFrom(this.next, READ_BYTES);
      if (events.length === 0) return;
      for (const event of events) this.deliver(event);
    }
  }

  private deliver({ number, line }: NumberedLine): void {
    this.next = number + 1;
    const bytes = Buffer.from(line);
    for (const follower of this.followers) follower(bytes, number);
  }
}
