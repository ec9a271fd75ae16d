import {
  Controller,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  Req,
  Res,
  UnauthorizedException,
} from '@nestjs/common';
import type { Request as HttpRequest, Response as HttpResponse } from 'express';
import { OpenRoute, type Principal, setPrincipal } from '../../../auth/index.js';
import { documentSchemas, objectSchema, Operation, parseUuid, RawBodies } from '../../../http/index.js';
import type { JsonObject } from '../../../json/index.js';
import { meters } from '../../../meters/index.js';
import {
  checkSignature,
  type Delivery,
  missingSignature,
  type SignatureRule,
} from '../signatures/signatures.js';
import { ORGANISATION, type Webhook } from '../webhooks/webhook.js';
import { WebhookStore } from '../webhooks/webhook-store.js';
import { MAX_DELIVERY_BYTES, payloadOf } from './delivery-payload.js';
import { identify } from './event-key.js';
import { IntakeLimits } from './intake-limits.js';
import { type Acceptance, IntakeService } from './intake.service.js';

/** Time for the body of a delivery (ms). Senders such as GitHub wait 10 s for the answer. */
const BODY_MS = 10_000;

const path = {
  org_id: { type: 'string', format: 'uuid', description: `The organisation: \`${ORGANISATION}\`.` },
  source: { type: 'string', maxLength: 50, description: 'The source of a webhook of automations.' },
};

/** The answer to a delivery. */
type IntakeAnswer = { received: true; challenge?: string } & Acceptance;

/** Takes events of other systems. Needs no key: each delivery is signed. */
@Controller('api/automation/v1/events')
@OpenRoute()
export class AutomationEventsController {
  constructor(
    private readonly store: WebhookStore,
    private readonly limits: IntakeLimits,
    private readonly bodies: RawBodies,
    private readonly intake: IntakeService,
  ) {}

  @Post(':org_id/:source')
  @HttpCode(200)
  @Operation({
    tag: 'Automations',
    path,
    values: { org_id: ORGANISATION, source: 'github' },
    summary: 'Deliver an event to automations',
    description:
      'For other systems, which sign what they send as the webhook of the source says. Each automation whose trigger ' +
      'matches gets a run. A delivery that was accepted before starts nothing. At most 1 MiB, 600 a minute for each ' +
      'source. An event of an unknown form is answered with 200 and matches nothing.',
    body: {
      schema: { type: 'object' },
      example: { action: 'opened', number: 7, repository: { full_name: 'acme/app' } },
      mediaType: 'application/json',
      after: ['AutomationWebhooks_create'],
      needs: 'The headers of GitHub, with a signature.',
    },
    answers: { 200: { description: 'What the event has started.', schema: 'AutomationEventAnswer' } },
    errors: {
      400: 'The payload is no JSON object.',
      401: 'The signature is missing, does not match, or is too old.',
      404: 'There is no such source, or it is disabled.',
      413: 'The payload has more than 1 MiB.',
      429: 'Too many deliveries of the source, or too many that were refused.',
    },
    open: true,
  })
  async deliver(
    @Param('org_id') organisation: string,
    @Param('source') source: string,
    @Req() request: HttpRequest,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<IntakeAnswer> {
    const leave = await this.limits.enter(request);
    let verified: { webhook: Webhook; payload: JsonObject; header: Delivery['header'] };
    try {
      verified = await this.verify(organisation, source, request, response);
    } finally {
      leave();
    }
    const { webhook, payload, header } = verified;
    setPrincipal(request, principalOf(webhook));
    await this.limits.accept(source);
    const identity = identify(ruleOf(webhook), payload, header);
    const accepted = await this.intake.accept(webhook, identity, payload);
    const challenge = challengeOf(webhook, payload);
    return { received: true, ...accepted, ...(challenge !== undefined && { challenge }) };
  }

  /** @throws NotFoundException, UnauthorizedException; those of the body */
  private async verify(
    organisation: string,
    source: string,
    request: HttpRequest,
    response: HttpResponse,
  ): Promise<{ webhook: Webhook; payload: JsonObject; header: Delivery['header'] }> {
    const parsed = parseUuid(organisation);
    const isOurs = 'id' in parsed && parsed.id === ORGANISATION;
    const found = isOurs ? await this.store.ofSource(source) : undefined;
    if (!found?.webhook.enabled) {
      await this.refused(request);
      throw new NotFoundException({ detail: 'There is no such source of events.' });
    }
    const { webhook, secret } = found;
    const rule: SignatureRule = {
      scheme: webhook.signature_scheme,
      secret,
      header: webhook.signature_header,
    };
    const header = (name: string) => request.get(name);
    await this.assertNo(missingSignature(rule, header), request);
    const limits = { limit: MAX_DELIVERY_BYTES, totalMs: BODY_MS };
    // A slow or broken body holds a place of others: whoever sends many has to wait.
    const body = await this.bodies.read(request, response, limits).catch(async (error: unknown) => {
      await this.refused(request);
      throw error;
    });
    await this.assertNo(checkSignature(rule, { body, header }, Date.now()), request);
    return { webhook, payload: payloadOf(body), header };
  }

  /** @throws UnauthorizedException if there is a refusal */
  private async assertNo(refusal: string | undefined, request: HttpRequest): Promise<void> {
    if (refusal === undefined) return;
    await this.refused(request);
    throw new UnauthorizedException({ detail: refusal });
  }

  private async refused(request: HttpRequest): Promise<void> {
    meters.automationEvents.refused.add();
    await this.limits.refuse(request);
  }
}

function ruleOf({ signature_scheme, event_key_expr, event_id_header }: Webhook) {
  return { scheme: signature_scheme, eventKeyExpr: event_key_expr, eventIdHeader: event_id_header };
}

/** Who has delivered, for the audit log. */
function principalOf({ id, source }: Webhook): Principal {
  return { id: `webhook-${id}`, name: `webhook ${source}`, scope: 'write', reach: 'own', limits: {} };
}

/** Slack asks an address to repeat a text before it sends events there. */
function challengeOf({ signature_scheme }: Webhook, { type, challenge }: JsonObject): string | undefined {
  const isAsked = signature_scheme === 'slack_v0' && type === 'url_verification';
  return isAsked && typeof challenge === 'string' ? challenge.slice(0, 500) : undefined;
}

const ids = (format?: string) => ({ type: 'array', items: { type: 'string', ...(format && { format }) } });

documentSchemas(() =>
  Promise.resolve({
    AutomationEventAnswer: objectSchema({
      received: [{ type: 'boolean' }, 'Always true.'],
      matched: [{ type: 'integer' }, 'How many automations the event is for.'],
      runs_created: [
        ids('uuid'),
        'Runs that were created; none for an automation that had this delivery before.',
      ],
      conversations_continued: [ids('uuid'), 'Conversations that go on with the event.'],
    }),
  }),
);
