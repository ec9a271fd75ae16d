import { Body, Controller, Get, HttpCode, Logger, Post } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { errorMessage } from '../../errors/index.js';
import { Operation } from '../../http/index.js';
import { MarketplaceCatalogue, type MarketplaceSkill } from '../marketplaces/marketplace-catalogue.js';
import { PublicRepository } from '../marketplaces/public-repository.js';
import { SkillCatalogue, type SkillList } from './skill-catalogue.js';
import type { SkillInfo } from './skill-info.js';
import { SkillsRequestDto } from './skills.dto.js';

const tag = 'Skills';

/** Available skills. */
@Controller('api/skills')
export class SkillsController {
  private readonly logger = new Logger('Skills');

  constructor(
    private readonly catalogue: SkillCatalogue,
    private readonly publicRepository: PublicRepository,
    private readonly marketplaces: MarketplaceCatalogue,
  ) {}

  @Post()
  @Scope('read')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'List skills',
    description:
      'Of skills with the same name the last one is listed, in the order sandbox, marketplaces, public, user, ' +
      'organisation, project. Broken skills are skipped and logged.',
    body: { schema: SkillsRequestDto, example: { load_public: false, project_dir: 'workspace/project' } },
    answers: {
      200: { description: 'The skills, and how many come from each source.', schema: 'SkillsResponse' },
    },
  })
  list(@Body() request: SkillsRequestDto): Promise<SkillList> {
    return this.catalogue.load(request);
  }

  @Get('catalog')
  @Scope('read')
  @Operation({
    tag,
    summary: 'List public and user skills',
    description:
      'For interfaces in which people choose the skills of an agent. Public skills are those that `sync` ' +
      'fetched last.',
    answers: { 200: { description: 'The skills with their origin.', schema: 'SkillCatalogResponse' } },
  })
  async all(): Promise<{ skills: SkillInfo[] }> {
    return { skills: await this.catalogue.all() };
  }

  @Post('sync')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Fetch the public skills and plugins',
    description: 'Fetches the repository `OpenHands/extensions`. No other request does.',
    answers: {
      200: {
        description: 'Whether the repository was fetched; a failure is reported here, too.',
        schema: 'SyncResponse',
      },
    },
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
  @Scope('read')
  @Operation({
    tag,
    summary: 'List the skills of local marketplaces',
    description: 'Nothing is fetched; use `sync` to update them.',
    answers: { 200: { description: 'The offered skills.', schema: 'SkillMarketplaceResponse' } },
  })
  async marketplace(): Promise<{ skills: MarketplaceSkill[] }> {
    return { skills: await this.marketplaces.skills() };
  }
}
