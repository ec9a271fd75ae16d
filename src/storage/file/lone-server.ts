import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Hints } from '../hints.js';
import { ServerDirectory, type ServerRecord } from '../server-directory.js';

/** Servers that share files do not know each other: there are none to list. */
@Injectable()
export class LoneServerDirectory extends ServerDirectory {
  override readonly selfId = randomUUID();

  override report(): void {
    // Nobody asks.
  }

  override list(): Promise<ServerRecord[]> {
    return Promise.resolve([]);
  }
}

/** Hints to nobody. */
@Injectable()
export class NoHints extends Hints {
  override tell(): void {
    // Nobody listens.
  }

  override listen(): () => void {
    return () => undefined;
  }
}
