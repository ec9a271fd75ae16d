import { Injectable } from '@nestjs/common';

/**
 * Conversations that are written elsewhere: by servers in containers, which see only the folder of their
 * conversation. This server takes no lease of them and only reads them.
 */
@Injectable()
export class ReservedConversations {
  private readonly ids = new Set<string>();
  /** Conversations whose folders are being removed. */
  private readonly freed = new Set<string>();
  private isAll = false;

  /** From now on this server writes no conversation at all. */
  reserveAll(): void {
    this.isAll = true;
  }

  add(id: string): void {
    this.ids.add(id);
  }

  delete(id: string): void {
    this.ids.delete(id);
  }

  has(id: string): boolean {
    return (this.isAll || this.ids.has(id)) && !this.freed.has(id);
  }

  /** Whether a conversation is written by a server in a container: what it says of itself is not trusted. */
  isForeign(id: string): boolean {
    return this.ids.has(id);
  }

  /** Lets this server write a conversation during an action: nothing else does any more. */
  async free<T>(id: string, action: () => Promise<T>): Promise<T> {
    this.freed.add(id);
    try {
      return await action();
    } finally {
      this.freed.delete(id);
    }
  }
}
