import { Module } from '@nestjs/common';
import { ConversationsModule } from '../../conversations/conversations.module.js';
import { RuntimeScopes } from './runtime-scopes.js';

/** Provides the paths that routes may access. */
@Module({ imports: [ConversationsModule], providers: [RuntimeScopes], exports: [RuntimeScopes] })
export class RuntimeScopesModule {}
