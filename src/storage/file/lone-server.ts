import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Hints } from '../hints.js';
import { ServerDirectory, type ServerRecord } from '../server-directory.js';
import { ServerTurns, type Turn } from '../server-turns.js';

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

/** Nobody else is known. */
export class OwnTurns extends ServerTurns {
  override async tryTake<T>(_name: string, work: (signal: AbortSignal) => Promise<T>): Promise<Turn<T>> {
    return { taken: true, result: await work(new AbortController().signal) };
  }
}
