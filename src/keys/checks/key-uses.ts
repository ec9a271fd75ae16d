import { Logger } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import type { KeyRecord } from '../store/key-record.js';

/** How exactly the last use of a key is stored (ms). */
const RESOLUTION_MS = 10 * 60_000;
/** Uses are collected for so long before they are stored (ms). */
const COLLECT_MS = 2_000;

/** Stores when keys were used last, so seldom that requests do not notice. */
export class KeyUses {
  private readonly logger = new Logger('Keys');
  private uses = new Map<string, string>();
  private timer: NodeJS.Timeout | undefined;
  private storing: Promise<void> = Promise.resolve();

  constructor(private readonly store: (uses: ReadonlyMap<string, string>) => Promise<void>) {}

  note({ id, last_used_at }: KeyRecord): void {
    const now = Date.now();
    if (last_used_at !== null && Math.abs(now - Date.parse(last_used_at)) < RESOLUTION_MS) return;
    this.uses.set(id, new Date(now).toISOString());
    this.timer ??= setTimeout(() => void this.flush(), COLLECT_MS).unref();
  }

  /** Stores what was collected. Never rejects: a use that is not stored is no reason to fail. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const uses = this.uses;
    this.uses = new Map();
    if (uses.size === 0) return this.storing;
    this.storing = this.storing
      .then(() => this.store(uses))
      .catch((error: unknown) => {
        this.logger.warn(`when keys were used last is not stored: ${errorMessage(error)}`);
      });
    return this.storing;
  }
}
