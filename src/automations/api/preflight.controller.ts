import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { CurrentPrincipal, type Principal, Scope } from '../../auth/index.js';
import { Operation } from '../../http/index.js';
import { capabilitiesAnswer, type Capabilities } from '../definitions/capabilities.js';
import { AppConfig } from '../../config/index.js';
import { DraftCheck, type DraftReport } from '../definitions/draft-check.js';
import { EventSources } from '../intake/event-sources.js';
import { ValidateDto } from './automation.dto.js';

const tag = 'Automations';

/** What a dialog asks before it creates an automation. */
@Controller('api/automation/v1')
export class PreflightController {
  constructor(
    private readonly drafts: DraftCheck,
    private readonly sources: EventSources,
    private readonly config: AppConfig,
  ) {}

  @Get('capabilities')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Get what automations can do here',
    description:
      'Which triggers and features there are, the limits, and the time zones. Dialogs offer only that.',
    answers: { 200: { description: 'Features and limits.', schema: 'AutomationCapabilities' } },
  })
  async capabilities(): Promise<Capabilities> {
    const events = await this.sources.capabilities();
    return capabilitiesAnswer(this.config, events);
  }

  @Post('validate')
  @HttpCode(200)
  @Scope('write', { own: true })
  @Operation({
    tag,
    summary: 'Check an automation before it is created',
    description: 'Answers 200 also for a draft that would be refused, with its problems by field.',
    body: {
      schema: ValidateDto,
      example: {
        endpoint: '/v1/preset/prompt',
        draft: { name: 'Digest', prompt: 'Summarise.', trigger: { type: 'cron', schedule: '0 25 * * *' } },
      },
    },
    answers: {
      200: { description: 'Whether it is valid, and what is wrong.', schema: 'AutomationDraftReport' },
    },
  })
  validate(@Body() body: ValidateDto, @CurrentPrincipal() principal: Principal): Promise<DraftReport> {
    return this.drafts.check(body, principal);
  }
}
