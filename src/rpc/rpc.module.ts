import { Module } from '@nestjs/common';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { SettingsModule } from '../settings/index.js';
import { StorageModule } from '../storage/storage.module.js';
import { RpcCalls } from './rpc-calls.js';
import { RpcConversations } from './rpc-conversations.js';
import { RpcForwarder } from './rpc-forwarder.js';

/** Conversations for protocols of other agents, whose calls all come by one route. */
@Module({
  imports: [ConversationsModule, SettingsModule, StorageModule],
  providers: [RpcCalls, RpcConversations, RpcForwarder],
  exports: [RpcCalls, RpcConversations, RpcForwarder],
})
export class RpcModule {}
