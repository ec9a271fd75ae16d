import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';

/** A request of a client as its later cancellation names it. */
export interface CallName {
  /** The key that has sent it. */
  principalId: string;
  /** The value of `Mcp-Session-Id`. */
  session: string;
  id: string | number;
}

/**
 * The calls that are being answered. Sessions are only names here: they make the ids of requests unique, so
 * that a cancellation, which comes as a request of its own, finds its call. Nothing is kept of a session
 * without calls.
 */
@Injectable()
export class OpenCalls implements BeforeApplicationShutdown {
  private readonly all = new Set<() => void>();
  /** By session and key, then by request. */
  private readonly bySession = new Map<string, Map<string | number, () => void>>();

  /** How many calls are being answered. */
  get size(): number {
    return this.all.size;
  }

  /** Notes a call until the returned function is called. @param name undefined: it cannot be cancelled */
  add(name: CallName | undefined, cancel: () => void): () => void {
    this.all.add(cancel);
    const key = name && sessionKey(name);
    if (name && key !== undefined) {
      const calls = this.bySession.get(key) ?? new Map<string | number, () => void>();
      this.bySession.set(key, calls.set(name.id, cancel));
    }
    return () => {
      this.all.delete(cancel);
      const calls = key === undefined ? undefined : this.bySession.get(key);
      if (!name || key === undefined || calls?.get(name.id) !== cancel) return;
      calls.delete(name.id);
      if (calls.size === 0) this.bySession.delete(key);
    };
  }

  /** Cancels a call, if it is being answered here. */
  cancel(name: CallName): void {
    this.bySession.get(sessionKey(name))?.get(name.id)?.();
  }

  /** Cancels all calls of a session. */
  cancelSession(session: Omit<CallName, 'id'>): void {
    for (const cancel of [...(this.bySession.get(sessionKey(session))?.values() ?? [])]) cancel();
  }

  /** Calls end before the HTTP server, which waits for its answers. */
  beforeApplicationShutdown(): void {
    for (const cancel of [...this.all]) cancel();
  }
}

function sessionKey({ principalId, session }: Omit<CallName, 'id'>): string {
  return `${principalId} ${session}`;
}
