import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { Operation } from '../../http/index.js';
import { SubAgentCatalogue, type SubAgentInfo } from './sub-agent-catalogue.js';
import { SubAgentsRequestDto } from './sub-agents.dto.js';

/** Available sub-agents. */
@Controller('api/sub-agents')
export class SubAgentsController {
  constructor(private readonly catalogue: SubAgentCatalogue) {}

  @Post()
  @Scope('read')
  @HttpCode(200)
  @Operation({
    tag: 'Sub-agents',
    summary: 'List sub-agents',
    description:
      'Of sub-agents with the same name the one of the project is listed, then the one of the user. Invalid files are skipped.',
    body: { schema: SubAgentsRequestDto, example: { project_dir: 'workspace/project' } },
    answers: {
      200: {
        description: 'The sub-agents that an agent in this project can delegate to.',
        schema: 'SubAgentsResponse',
      },
    },
  })
  async list(@Body() request: SubAgentsRequestDto): Promise<{ agents: SubAgentInfo[] }> {
    return { agents: await this.catalogue.list(request) };
  }
}
