import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { Field } from '../../http/validation/field.js';
import { text } from '../../http/validation/field-type.js';
import { documentSchemas, Operation } from '../../http/operation.js';
import { SubscriptionService, type DeviceStart, type SubscriptionStatus } from './subscription.service.js';

const tag = 'LLM';
const status = { description: 'Whether somebody is signed in.', schema: 'SubscriptionStatusResponse' };

/** Models of the subscription, as the original 1.58.2 lists them. */
const MODELS = [
  'gpt-5.5',
  'gpt-5.6-luna',
  'gpt-5.6-sol',
  'gpt-5.6-terra',
  'gpt-6-astra',
  'gpt-6-luna',
  'gpt-6-sol',
  'gpt-6.1-sol',
];

/** Whose sign-in is asked for. */
export class SubscriptionDevicePollRequestDto {
  @Field(text(), 'As `device/start` has answered it.')
  device_code!: string;
}

/** Signs a person with a ChatGPT subscription in and out. */
@Controller('api/llm/subscription/openai')
export class SubscriptionController {
  constructor(private readonly service: SubscriptionService) {}

  @Get('models')
  @Operation({
    tag,
    summary: 'List the models of a ChatGPT subscription',
    answers: { 200: { description: 'Their names.', schema: 'SubscriptionModelsResponse' } },
  })
  models(): { vendor: string; models: readonly string[] } {
    return { vendor: 'openai', models: MODELS };
  }

  @Get('status')
  @Operation({
    tag,
    summary: 'Whether somebody is signed in with a ChatGPT subscription',
    description: 'A sign-in that has expired is renewed.',
    answers: { 200: status },
  })
  status(): Promise<SubscriptionStatus> {
    return this.service.status();
  }

  @Post('device/start')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Begin to sign in with a ChatGPT subscription',
    description: 'Asks OpenAI for a code, which the person enters at `verification_uri`.',
    answers: { 200: { description: 'The code.', schema: 'SubscriptionDeviceStartResponse' } },
    errors: [429, 502],
  })
  start(): Promise<DeviceStart> {
    return this.service.start();
  }

  @Post('device/poll')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Whether the person has entered the code',
    body: { schema: SubscriptionDevicePollRequestDto },
    answers: { 200: status },
    errors: [404, 502],
  })
  poll(@Body() { device_code }: SubscriptionDevicePollRequestDto): Promise<SubscriptionStatus> {
    return this.service.poll(device_code);
  }

  @Post('logout')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Forget the sign-in with a ChatGPT subscription',
    answers: { 200: status },
  })
  logout(): Promise<SubscriptionStatus> {
    return this.service.logout();
  }
}

const string = { type: 'string' };
const vendor = { type: 'string', default: 'openai' };
const orNull = (type: string) => ({ anyOf: [{ type }, { type: 'null' }] });
documentSchemas(() =>
  Promise.resolve({
    SubscriptionModelsResponse: {
      type: 'object',
      properties: { vendor, models: { type: 'array', items: string } },
      required: ['models'],
    },
    SubscriptionStatusResponse: {
      type: 'object',
      properties: {
        vendor,
        connected: { type: 'boolean' },
        account_email: orNull('string'),
        expires_at: orNull('integer'),
      },
      required: ['connected'],
    },
    SubscriptionDeviceStartResponse: {
      type: 'object',
      properties: {
        ...{ device_code: string, user_code: string, verification_uri: string },
        verification_uri_complete: orNull('string'),
        expires_at: { type: 'integer' },
        interval_seconds: { type: 'integer' },
      },
      required: ['device_code', 'user_code', 'verification_uri', 'expires_at', 'interval_seconds'],
    },
  }),
);
