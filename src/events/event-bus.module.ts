import { Module } from '@nestjs/common';
import { EventBus } from './bus/event-bus.js';
import { InProcessEventBus } from './bus/in-process-event-bus.js';

/** Provides the bus on which conversations publish and to which gateways and webhooks subscribe. */
@Module({
  providers: [{ provide: EventBus, useClass: InProcessEventBus }],
  exports: [EventBus],
})
export class EventBusModule {}
