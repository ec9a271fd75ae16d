import { Global, Module } from '@nestjs/common';
import { EventBusModule } from '../events/event-bus.module.js';
import { StorageModule } from '../storage/storage.module.js';
import { UsageLedgerModule } from '../storage/usage-ledger.module.js';
import { Spending } from './spending.js';
import { UsageCatchUp } from './usage-catch-up.js';
import { UsageRecorder } from './usage-recorder.js';
import { UsageController } from './usage.controller.js';
import { UsageService } from './usage.service.js';

/** The ledger of what models cost. */
@Global()
@Module({
  imports: [EventBusModule, StorageModule, UsageLedgerModule],
  controllers: [UsageController],
  providers: [UsageRecorder, UsageCatchUp, UsageService, Spending],
  exports: [Spending, UsageRecorder],
})
export class UsageModule {}
