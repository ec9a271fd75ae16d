import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';

/** Longest id of a request, and longest progress token (characters). */
export const MAX_CALL_ID = 255;

/** A request of a client as its later cancellation names it. */
export interface CallName {
  /** The key that has sent it. */
  principalId: string;
  /** The value of `Mcp-Session-Id`. */
  session: string;
  id: string | number;
}

/** What ends a call that is being answered. */
export interface OpenCall {
  /** The client has cancelled it: nothing is answered. */
  cancel(): void;
  /** The server shuts down: the client may repeat the call. */
  shutDown(): void;
}

/**
 * The calls that are being answered. Sessions are only names here: they make the ids of requests unique, so
 * that a cancellation, which comes as a request of its own, finds its call. Nothing is kept of a session
 * without calls.
 */
@Injectable()
export class OpenCalls implements BeforeApplicationShutdown {
  private readonly all = new Set<OpenCall>();
  /** By session and key, then by request. */
  private readonly bySession = new Map<string, Map<string | number, OpenCall>>();

  /** Notes a call until the returned function is called. @param name undefined: it cannot be cancelled */
  add(name: CallName | undefined, call: OpenCall): () => void {
    this.all.add(call);
    const key = name && sessionKey(name);
    if (name && key !== undefined) {
      const calls = this.bySession.get(key) ?? new Map<string | number, OpenCall>();
      this.bySession.set(key, calls.set(name.id, call));
    }
    return () => {
      this.all.delete(call);
      const calls = key === undefined ? undefined : this.bySession.get(key);
      if (!name || key === undefined || calls?.get(name.id) !== call) return;
      calls.delete(name.id);
      if (calls.size === 0) this.bySession.delete(key);
    };
  }

  /** Cancels a call. @returns false if it is not being answered here */
  cancel(name: CallName): boolean {
    const call = this.bySession.get(sessionKey(name))?.get(name.id);
    call?.cancel();
    return call !== undefined;
  }

  /** Calls end before the HTTP server, which waits for its answers. */
  beforeApplicationShutdown(): void {
    for (const call of [...this.all]) call.shutDown();
  }
}

function sessionKey({ principalId, session }: Omit<CallName, 'id'>): string {
  return `${principalId} ${session}`;
}
