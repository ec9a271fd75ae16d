import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import type { Request as HttpRequest } from 'express';
import { Scope } from '../../../auth/index.js';
import { AppConfig } from '../../../config/index.js';
import { InvalidRequestError } from '../../../errors/index.js';
import { Operation, parseUuid } from '../../../http/index.js';
import { withoutTrailingSlashes } from '../../../text/index.js';
import { CreateWebhookRequestDto, UpdateWebhookRequestDto, WebhooksQueryDto } from './webhook.dto.js';
import { ORGANISATION, type Webhook } from './webhook.js';
import { WebhookStore } from './webhook-store.js';

const tag = 'Automations';
const path = {
  webhook_id: {
    type: 'string',
    format: 'uuid',
    description: 'Id of the webhook, as the answer to its creation says.',
  },
};
const UNKNOWN = { 404: 'There is no webhook with this id.' };
const NO_KEY = { 503: 'The server has no secret key (`OH_SECRET_KEY`), so it stores no secrets.' };

/** A webhook in answers. */
type WebhookInfo = Webhook & { org_id: string; webhook_url: string };

/** The sources of events for automations. Making one opens the server to its sender: that needs `admin`. */
@Scope('admin')
@Controller('api/automation/v1/webhooks')
export class AutomationWebhooksController {
  constructor(
    private readonly store: WebhookStore,
    private readonly config: AppConfig,
  ) {}

  @Post()
  @HttpCode(201)
  @Operation({
    tag,
    summary: 'Make a webhook for automations',
    description:
      'Has the server accept events of a source: signed requests to `webhook_url`, each of which starts the automations ' +
      'whose triggers match it. The secret is stored encrypted. One that the server makes is in this answer only.',
    body: {
      schema: CreateWebhookRequestDto,
      example: {
        name: 'GitHub',
        source: 'github',
        signature_scheme: 'github',
        webhook_secret: 'a shared secret',
      },
      otherExamples: {
        generic: {
          summary: 'A program of your own; the server makes the secret',
          value: { name: 'Builds', source: 'builds', event_key_expr: 'kind' },
        },
      },
      needs: 'The server has a secret key.',
    },
    answers: {
      201: {
        description: 'The webhook, with the secret.',
        schema: 'NewAutomationWebhook',
        links: {
          change: {
            operationId: 'AutomationWebhooks_update',
            parameters: { webhook_id: '$response.body#/id' },
          },
        },
      },
    },
    errors: { 409: 'Another webhook has this source, or there are too many.', ...NO_KEY },
  })
  async create(
    @Body() { webhook_secret, ...settings }: CreateWebhookRequestDto,
    @Req() request: HttpRequest,
  ): Promise<WebhookInfo & { webhook_secret: string | null }> {
    const { webhook, secret } = await this.store.create(
      { ...settings, enabled: true },
      webhook_secret ?? undefined,
    );
    return { ...this.infoOf(webhook, request), webhook_secret: webhook_secret === null ? secret : null };
  }

  @Get()
  @Scope('read')
  @Operation({
    tag,
    summary: 'List the webhooks of automations',
    description: 'Without their secrets.',
    query: WebhooksQueryDto,
    answers: {
      200: { description: 'A page of webhooks, the newest first.', schema: 'AutomationWebhookList' },
    },
  })
  async list(
    @Query() { limit, offset }: WebhooksQueryDto,
    @Req() request: HttpRequest,
  ): Promise<{ webhooks: WebhookInfo[]; total: number }> {
    const all = await this.store.all();
    const page = all.slice(offset, offset + limit);
    return { webhooks: page.map((webhook) => this.infoOf(webhook, request)), total: all.length };
  }

  @Get(':webhook_id')
  @Scope('read')
  @Operation({
    tag,
    path,
    summary: 'Get a webhook of automations',
    description: 'Without its secret.',
    answers: { 200: { description: 'The webhook.', schema: 'AutomationWebhook' } },
    errors: UNKNOWN,
  })
  async get(@Param('webhook_id') id: string, @Req() request: HttpRequest): Promise<WebhookInfo> {
    return this.infoOf(await this.store.get(idOf(id)), request);
  }

  @Patch(':webhook_id')
  @Operation({
    tag,
    path,
    summary: 'Change a webhook of automations',
    description: 'Takes effect with the next delivery. The source stays, because senders have its address.',
    body: {
      schema: UpdateWebhookRequestDto,
      example: { enabled: false },
      after: ['AutomationWebhooks_create'],
      needs: 'The server has a secret key.',
    },
    answers: { 200: { description: 'The changed webhook.', schema: 'AutomationWebhook' } },
    errors: UNKNOWN,
  })
  async update(
    @Param('webhook_id') id: string,
    @Body() changes: UpdateWebhookRequestDto,
    @Req() request: HttpRequest,
  ): Promise<WebhookInfo> {
    const given = Object.entries(changes).filter(([, value]) => value !== undefined);
    return this.infoOf(await this.store.update(idOf(id), Object.fromEntries(given)), request);
  }

  @Delete(':webhook_id')
  @HttpCode(204)
  @Operation({
    tag,
    path,
    summary: 'Delete a webhook of automations',
    description: 'Its events are answered with 404 from now on. Automations that name its source stay.',
    answers: { 204: { description: 'The webhook is gone.' } },
    errors: UNKNOWN,
  })
  remove(@Param('webhook_id') id: string): Promise<void> {
    return this.store.remove(idOf(id));
  }

  @Post(':webhook_id/rotate-secret')
  @HttpCode(200)
  @Operation({
    tag,
    path,
    summary: 'Make a new secret for a webhook',
    description: 'The old secret is refused from now on: give the sender the new one.',
    answers: { 200: { description: 'The new secret.', schema: 'AutomationWebhookSecret' } },
    errors: { ...UNKNOWN, ...NO_KEY },
  })
  async rotate(@Param('webhook_id') id: string): Promise<{ webhook_secret: string }> {
    return { webhook_secret: await this.store.rotate(idOf(id)) };
  }

  private infoOf(webhook: Webhook, request: HttpRequest): WebhookInfo {
    const { id, ...fields } = webhook;
    const base = withoutTrailingSlashes(
      this.config.web_url ?? `${request.protocol}://${request.get('host') ?? 'localhost'}`,
    );
    const webhook_url = `${base}/api/automation/v1/events/${ORGANISATION}/${webhook.source}`;
    return { id, org_id: ORGANISATION, ...fields, webhook_url };
  }
}

/** @throws InvalidRequestError */
function idOf(raw: string): string {
  const parsed = parseUuid(raw);
  if ('id' in parsed) return parsed.id;
  throw new InvalidRequestError(['path', 'webhook_id'], 'Input should be a valid UUID', raw);
}
