import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { DocumentsModule } from '../storage/documents.module.js';
import { BudgetsController } from './budgets.controller.js';
import { KeyLimiter } from './key-limiter.js';
import { KeyUsage } from './key-usage.js';
import { RequestLimitGuard } from './request-limit.guard.js';

/** Limits of keys. Its guard comes after that of the keys: import it behind `AuthModule`. */
@Global()
@Module({
  imports: [DocumentsModule],
  controllers: [BudgetsController],
  providers: [KeyLimiter, KeyUsage, { provide: APP_GUARD, useClass: RequestLimitGuard }],
  exports: [KeyLimiter, KeyUsage],
})
export class LimitsModule {}
