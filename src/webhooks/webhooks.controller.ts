import { Controller, Get } from '@nestjs/common';
import { documentSchemas, Operation } from '../http/index.js';
import type { WebhookStatus } from './webhook-status.js';
import { WebhooksService } from './webhooks.service.js';

documentSchemas(async () => (await import('./webhook-status.js')).webhookSchemas());

/** The state of webhook deliveries. */
@Controller('api/webhooks')
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  @Get()
  @Operation({
    tag: 'Webhooks',
    summary: 'List webhooks',
    description:
      'For operators who want to know whether deliveries arrive. Counts start at zero with the server.',
    answers: {
      200: {
        description: 'The state of each webhook, in the order of the configuration.',
        schema: { type: 'array', items: { $ref: '#/components/schemas/WebhookStatus' } },
      },
    },
  })
  list(): WebhookStatus[] {
    return this.webhooks.status();
  }
}
