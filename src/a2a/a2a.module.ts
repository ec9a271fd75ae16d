import { Module } from '@nestjs/common';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { EventBusModule } from '../events/event-bus.module.js';
import { RpcModule } from '../rpc/index.js';
import { ServerModule } from '../server/server.module.js';
import { A2aController } from './a2a.controller.js';
import { TaskReader } from './tasks/task-reader.js';
import { TasksService } from './tasks/tasks.service.js';

/** The server as an agent for other agents: the Agent2Agent protocol, at `/a2a`. */
@Module({
  imports: [ConversationsModule, EventBusModule, RpcModule, ServerModule],
  controllers: [A2aController],
  providers: [TaskReader, TasksService],
})
export class A2aModule {}
