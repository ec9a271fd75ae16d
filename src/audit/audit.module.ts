import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AuditLogModule } from '../storage/audit-log.module.js';
import { AuditController } from './audit.controller.js';
import { AuditGuard } from './audit.guard.js';
import { AuditTrail } from './audit-trail.js';

/** Records who changes what. Its guard has to be the first one: import it before the modules of others. */
@Global()
@Module({
  imports: [AuditLogModule],
  controllers: [AuditController],
  providers: [AuditTrail, { provide: APP_GUARD, useClass: AuditGuard }],
  exports: [AuditTrail],
})
export class AuditModule {}
