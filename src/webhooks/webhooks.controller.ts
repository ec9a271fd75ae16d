import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Scope } from '../auth/index.js';
import { documentSchemas, EXAMPLE_CONVERSATION, Operation } from '../http/index.js';
import { RedeliveryRequestDto } from './redelivery.dto.js';
import type { Backlog, WebhookDetails, WebhookStatus } from './webhook-status.js';
import { WebhooksService } from './webhooks.service.js';

documentSchemas(async () => (await import('./webhook-status.js')).webhookSchemas());

const tag = 'Webhooks';
const path = { webhook_id: { type: 'string', description: 'Id of the webhook, from `GET /api/webhooks`.' } };
/** The id of a webhook with the name `audit`. */
const values = { webhook_id: 'ec31367ee8bba3da' };

/** The state of webhook deliveries, and their repetition. */
@Controller('api/webhooks')
export class WebhooksController {
  constructor(private readonly webhooks: WebhooksService) {}

  @Get()
  @Scope('read')
  @Operation({
    tag,
    summary: 'List webhooks',
    description:
      'For operators who want to know whether deliveries arrive. Counts of what was delivered and what failed are those ' +
      'of the server that answers, and start at zero with it. What is pending is that of all servers of one database.',
    answers: {
      200: {
        description: 'The state of each webhook, in the order of the configuration.',
        schema: { type: 'array', items: { $ref: '#/components/schemas/WebhookStatus' } },
      },
    },
  })
  list(): Promise<WebhookStatus[]> {
    return this.webhooks.status();
  }

  @Get(':webhook_id')
  @Scope('read')
  @Operation({
    tag,
    path,
    values,
    summary: 'Get a webhook with its lanes',
    description:
      'A lane has the pending deliveries of one conversation. Lists the lanes that fail first, then those that wait ' +
      'longest, at most 100, and the last 20 failed requests.',
    answers: { 200: { description: 'The webhook, its lanes and its errors.', schema: 'WebhookDetails' } },
    errors: { 404: 'There is no webhook with this id.' },
  })
  get(@Param('webhook_id') id: string): Promise<WebhookDetails> {
    return this.webhooks.details(id);
  }

  @Post(':webhook_id/redeliver')
  @Scope('admin')
  @HttpCode(202)
  @Operation({
    tag,
    path,
    values,
    summary: 'Deliver to a webhook at once, or again',
    description:
      'Without a body, everything that is pending is attempted at once: pauses after failures are skipped, and batches ' +
      'are not filled. With `from_event_id`, the position of the conversation is set back to that event, and ' +
      'all events from it on are delivered again, in order. A repeated request does not deliver them more often unless ' +
      'they were delivered in between.',
    body: {
      schema: RedeliveryRequestDto,
      required: false,
      example: { conversation_id: EXAMPLE_CONVERSATION },
      after: ['Conversations_create'],
      needs: 'Needs a webhook with the name `audit` in the configuration, whose receiver is down.',
    },
    answers: {
      202: { description: 'What is pending and is attempted now.', schema: 'WebhookBacklog' },
    },
    errors: {
      404: 'There is no webhook, conversation or event with this id.',
      409: 'Nothing is pending, or another server owns the conversation.',
    },
  })
  redeliver(@Param('webhook_id') id: string, @Body() request: RedeliveryRequestDto): Promise<Backlog> {
    return this.webhooks.redeliver(id, request);
  }
}
