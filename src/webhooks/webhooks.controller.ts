import { Controller, Get } from '@nestjs/common';
import { documentSchemas, Operation } from '../http/operation.js';
import type { WebhookStatus } from './webhook-status.js';
import { WebhooksService } from './webhooks.service.js';

documentSchemas(async () => (await import('./webhook-status.js')).webhookSchemas());

/** What became of the deliveries. */
@Controller('api/webhooks')
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  @Get()
  @Operation({
    tag: 'Webhooks',
    summary: 'State of each configured webhook',
    answers: {
      200: {
        description: 'In the order of the configuration.',
        schema: { type: 'array', items: { $ref: '#/components/schemas/WebhookStatus' } },
      },
    },
  })
  list(): WebhookStatus[] {
    return this.webhooks.status();
  }
}
