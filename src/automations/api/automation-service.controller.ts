import { Controller, Get } from '@nestjs/common';
import { OpenRoute } from '../../auth/index.js';
import { Operation } from '../../http/index.js';

const tag = 'Automations';

/** What clients ask before they show automations. */
@Controller('api/automation')
@OpenRoute()
export class AutomationServiceController {
  @Get('health')
  @Operation({
    tag,
    summary: 'Check whether automations are served',
    description: 'The web UI shows its pages about automations if this answers `ok`.',
    answers: { 200: { description: 'They are.', schema: 'HealthStatus' } },
    open: true,
  })
  health(): { status: 'ok' } {
    return { status: 'ok' };
  }
}
