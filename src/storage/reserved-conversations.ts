import { Injectable } from '@nestjs/common';

/**
 * Conversations that are written elsewhere: by servers in containers, which see only the folder of their
 * conversation. This server takes no lease of them and only reads them.
 */
@Injectable()
export class ReservedConversations {
  /** The keys that they belong to, by id; null for the administrator's. */
  private readonly owners = new Map<string, string | null>();
  /** Conversations whose folders are being removed. */
  private readonly freed = new Set<string>();
  private isAll = false;

  /** From now on this server writes no conversation at all. */
  reserveAll(): void {
    this.isAll = true;
  }

  add(id: string, ownerKey: string | null): void {
    this.owners.set(id, ownerKey);
  }

  delete(id: string): void {
    this.owners.delete(id);
  }

  /** The key of a conversation in a container, null for the administrator's; undefined for all others. */
  ownerOf(id: string): string | null | undefined {
    return this.owners.get(id);
  }

  has(id: string): boolean {
    return (this.isAll || this.owners.has(id)) && !this.freed.has(id);
  }

  /** Whether a conversation is written by a server in a container: what it says of itself is not trusted. */
  isForeign(id: string): boolean {
    return this.owners.has(id);
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
