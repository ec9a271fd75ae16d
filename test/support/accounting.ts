import os from 'node:os';
import path from 'node:path';
import { Global, Module } from '@nestjs/common';
import { AuditTrail } from '../../src/audit/index.js';
import { Spending } from '../../src/usage/index.js';
import { KeyLimiter, KeyUsage } from '../../src/limits/index.js';
import { SocketAccounting } from '../../src/sockets/handshake/socket-accounting.js';
import { FileDocuments } from '../../src/storage/file/documents/file-documents.js';
import { AuditLog, type AuditEntry, type AuditPage, Documents } from '../../src/storage/index.js';

/** An audit log in memory, the newest entry last. */
export class MemoryAuditLog extends AuditLog {
  readonly entries: AuditEntry[] = [];

  append(entries: readonly AuditEntry[]): Promise<void> {
    this.entries.push(...entries);
    return Promise.resolve();
  }

  page(): Promise<AuditPage> {
    return Promise.resolve({ items: [...this.entries].reverse(), nextPageId: null });
  }

  sweep(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** What sockets record and count, for servers of tests without named keys. Nothing is stored. */
@Global()
@Module({
  providers: [
    AuditTrail,
    KeyLimiter,
    KeyUsage,
    SocketAccounting,
    // Without models nothing is spent.
    { provide: Spending, useValue: { spent: () => 0 } },
    { provide: AuditLog, useClass: MemoryAuditLog },
    // Without named keys nothing is read or written there.
    { provide: Documents, useFactory: () => new FileDocuments(path.join(os.tmpdir(), 'no-documents')) },
  ],
  exports: [AuditLog, AuditTrail, KeyLimiter, SocketAccounting],
})
export class AccountingModule {}
