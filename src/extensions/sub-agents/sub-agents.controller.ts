import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Field } from '../../http/validation/field.js';
import { flag, nullable, text } from '../../http/validation/field-type.js';
import { Operation } from '../../http/operation.js';
import { SubAgentCatalogue, type SubAgentInfo } from './sub-agent-catalogue.js';

/** Which sub-agents to look for. */
export class SubAgentsRequestDto {
  @Field(flag(), 'Those that the person keeps for all projects.')
  load_user: boolean = true;

  @Field(flag(), 'Those of `project_dir`.')
  load_project: boolean = true;

  @Field(flag(), 'Those that are always there.')
  load_builtin: boolean = true;

  @Field(nullable(text()))
  project_dir: string | null = null;
}

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
