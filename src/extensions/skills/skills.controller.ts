import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { Operation } from '../../http/operation.js';
import { SkillCatalogue, type SkillList } from './skill-catalogue.js';
import type { SkillInfo } from './skill-info.js';
import { SkillsRequestDto } from './skills.dto.js';

const tag = 'Skills';

/** The skills that an agent could have. */
@Controller('api/skills')
export class SkillsController {
  constructor(private readonly catalogue: SkillCatalogue) {}

  @Post()
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'List skills',
    description:
      'Of several with one name the last counts: sandbox, marketplaces, public, person, organisation, project. What is ' +
      'broken is left out, and the log says so.',
    body: { schema: SkillsRequestDto },
    answers: { 200: { description: 'What there is, and how much from where.', schema: 'SkillsResponse' } },
  })
  list(@Body() request: SkillsRequestDto): Promise<SkillList> {
    return this.catalogue.load(request);
  }

  @Get('catalog')
  @Operation({
    tag,
    summary: 'List the skills that are not of a project',
    answers: { 200: { description: 'Each with where it is from.', schema: 'SkillCatalogResponse' } },
  })
  async all(): Promise<{ skills: SkillInfo[] }> {
    return { skills: await this.catalogue.all() };
  }
}
