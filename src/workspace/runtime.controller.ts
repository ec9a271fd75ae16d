import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Scope } from '../auth/index.js';
import { AppConfig } from '../config/index.js';
import { ConversationsService } from '../conversations/index.js';
import { isFolder } from '../files/index.js';
import { ConversationIdPipe, Operation } from '../http/index.js';
import { LeaseStore } from '../storage/index.js';

/** State of a conversation's runtime: a server on the host of its workspace. */
interface RuntimeInfo {
  runtime_status: 'available' | 'missing';
  can_resume: boolean;
  runtime_error: { code: string; message: string } | null;
  /** Only for servers that share a database. */
  workspace_host?: string | null;
  server?: { id: string; url: string | null } | null;
}

const tag = 'Runtime';

/** The runtime of a conversation. */
@Controller(['api/conversations/:conversation_id/runtime', 'conversations/:conversation_id/runtime'])
export class RuntimeController {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly leases: LeaseStore,
    private readonly config: AppConfig,
  ) {}

  @Get()
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Get the runtime of a conversation',
    description:
      'Tells whether the place where the conversation executes commands is available. It is missing if the workspace is on ' +
      'another host than the server that has the conversation (`workspaces_shared`).',
    answers: { 200: { description: 'The runtime.', schema: 'ConversationRuntimeInfo' } },
  })
  info(@Param('conversation_id', ConversationIdPipe) id: string): Promise<RuntimeInfo> {
    return this.describe(id);
  }

  @Post('reprovision')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Provision the runtime of a conversation again',
    description:
      'If the workspace is on another host, the conversation works with the folder of the same path on this host from now on: ' +
      'move the files there first. Otherwise it does nothing, because the runtime is available.',
    answers: { 200: { description: 'The runtime.', schema: 'ConversationRuntimeInfo' } },
    errors: { 421: 'The folder does not exist on the host of this server.' },
  })
  async reprovision(@Param('conversation_id', ConversationIdPipe) id: string): Promise<RuntimeInfo> {
    const { folder, elsewhere } = await this.conversations.workspace(id);
    if (elsewhere) {
      if (!(await isFolder(folder))) throw elsewhere.withoutFolder(folder);
      await this.conversations.adoptWorkspace(id);
    }
    return this.describe(id);
  }

  private async describe(id: string): Promise<RuntimeInfo> {
    const { host, elsewhere } = await this.conversations.workspace(id);
    const info: RuntimeInfo = {
      runtime_status: elsewhere ? 'missing' : 'available',
      can_resume: elsewhere === undefined,
      runtime_error: elsewhere ? { code: elsewhere.name, message: elsewhere.message } : null,
    };
    if (this.config.database_url === null) return info;
    const owner = await this.leases.ownerOf(id);
    const server = owner ? { id: owner.serverId, url: owner.url } : null;
    return { ...info, workspace_host: host ?? null, server };
  }
}
