import { Module } from '@nestjs/common';
import { ConversationsModule } from '../../conversations/conversations.module.js';
import { RuntimeScopes } from './runtime-scopes.js';

/** Which paths the routes of the machine and of conversations may touch. */
@Module({ imports: [ConversationsModule], providers: [RuntimeScopes], exports: [RuntimeScopes] })
export class RuntimeScopesModule {}
