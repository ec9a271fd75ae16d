import { Module } from '@nestjs/common';
import { EventBus } from './bus/event-bus.js';
import { InProcessEventBus } from './bus/in-process-event-bus.js';

/** Provides the bus that conversations publish on and gateways and webhooks listen to. */
@Module({
  providers: [{ provide: EventBus, useClass: InProcessEventBus }],
  exports: [EventBus],
})
export class EventBusModule {}
