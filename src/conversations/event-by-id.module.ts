import { Module } from '@nestjs/common';
import { EventController } from './api/event.controller.js';
import { ConversationsModule } from './conversations.module.js';

/** The route of an event by its id. Comes after all other routes in its place, whatever module has them. */
@Module({ imports: [ConversationsModule], controllers: [EventController] })
export class EventByIdModule {}
