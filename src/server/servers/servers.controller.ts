import { Controller, Get } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { Operation } from '../../http/index.js';
import { LiveServers } from './live-servers.js';
import { SERVERS_ANSWER, toListed, type ServersAnswer } from './servers-answer.js';

/** The servers that share a database. */
@Controller('api/servers')
export class ServersController {
  constructor(
    private readonly servers: LiveServers,
    private readonly config: AppConfig,
  ) {}

  @Get()
  @Scope('read')
  @Operation({
    tag: 'Server Details',
    summary: 'List the servers',
    description:
      'The live servers that share a database, with what each of them has and can take. With files as storage it is this ' +
      'server alone. The figures of other servers are as old as their last heartbeat.',
    answers: { 200: { description: 'The live servers.', schema: SERVERS_ANSWER } },
  })
  async list(): Promise<ServersAnswer> {
    return {
      storage: this.servers.isCluster ? 'postgresql' : 'files',
      workspaces_shared: !this.servers.isCluster || this.config.workspaces_shared,
      servers: (await this.servers.list()).map(toListed),
    };
  }
}
