import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Operation } from '../../http/operation.js';
import { SubAgentCatalogue, type SubAgentInfo } from './sub-agent-catalogue.js';
import { SubAgentsRequestDto } from './sub-agents.dto.js';

/** The sub-agents that an agent could give tasks to. */
@Controller('api/sub-agents')
export class SubAgentsController {
  constructor(private readonly catalogue: SubAgentCatalogue) {}

  @Post()
  @HttpCode(200)
  @Operation({
    tag: 'Sub-agents',
    summary: 'List sub-agents',
    description:
      'Of several with one name that of the project counts, then that of the person. Files that are not valid are left out.',
    body: { schema: SubAgentsRequestDto },
    answers: { 200: { description: 'What there is.', schema: 'SubAgentsResponse' } },
  })
  async list(@Body() request: SubAgentsRequestDto): Promise<{ agents: SubAgentInfo[] }> {
    return { agents: await this.catalogue.list(request) };
  }
}
