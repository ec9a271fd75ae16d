import { Body, Controller, Get, HttpCode, Logger, Post } from '@nestjs/common';
import { errorMessage } from '../../errors/index.js';
import { Operation } from '../../http/operation.js';
import { MarketplaceCatalogue, type MarketplaceSkill } from '../marketplaces/marketplace-catalogue.js';
import { PublicRepository } from '../marketplaces/public-repository.js';
import { SkillCatalogue, type SkillList } from './skill-catalogue.js';
import type { SkillInfo } from './skill-info.js';
import { SkillsRequestDto } from './skills.dto.js';

const tag = 'Skills';

/** The skills that an agent could have. */
@Controller('api/skills')
export class SkillsController {
  private readonly logger = new Logger('Skills');

  constructor(
    private readonly catalogue: SkillCatalogue,
    private readonly publicRepository: PublicRepository,
    private readonly marketplaces: MarketplaceCatalogue,
  ) {}

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

  @Post('sync')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Fetch the public skills and plugins',
    description: 'From the repository `OpenHands/extensions`. Nothing else fetches them.',
    answers: { 200: { description: 'Whether that went well.', schema: 'SyncResponse' } },
  })
  async sync(): Promise<{ status: 'success' | 'error'; message: string }> {
    try {
      await this.publicRepository.sync();
      return { status: 'success', message: 'Skills repository synced successfully' };
    } catch (error) {
      this.logger.warn(`public skills cannot be fetched: ${errorMessage(error)}`);
      return { status: 'error', message: `Failed to sync skills repository: ${errorMessage(error)}` };
    }
  }

  @Get('marketplace')
  @Operation({
    tag,
    summary: 'List what marketplaces offer that are on this machine',
    description: 'Nothing is fetched for this: `sync` does.',
    answers: { 200: { description: 'What can be installed.', schema: 'SkillMarketplaceResponse' } },
  })
  async marketplace(): Promise<{ skills: MarketplaceSkill[] }> {
    return { skills: await this.marketplaces.skills() };
  }
}
