import path from 'node:path';
import { Module } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { persistenceRoot } from '../files/index.js';
import { AuditLog, AuditLogOptions } from './audit-log.js';
import { ClassedAuditLog } from './file/audit/classed-audit-log.js';
import { StorageDriver, StorageDriverModule } from './storage-driver.module.js';

const MIB = 1024 * 1024;

/** Provides the audit log, implemented by the driver that the configuration selects. */
@Module({
  imports: [StorageDriverModule],
  providers: [
    {
      provide: AuditLogOptions,
      inject: [AppConfig],
      useFactory: (config: AppConfig): AuditLogOptions => ({
        folder: path.join(persistenceRoot(config.base_dir), 'audit'),
        maxBytes: config.audit_max_mb * MIB,
        keepDays: config.audit_keep_days,
        isFlushed: config.audit_required,
      }),
    },
    {
      provide: AuditLog,
      inject: [StorageDriver, AuditLogOptions],
      useFactory: ({ postgres }: StorageDriver, options: AuditLogOptions) =>
        postgres?.auditLog(options) ?? new ClassedAuditLog(options),
    },
  ],
  exports: [AuditLog],
})
export class AuditLogModule {}
