import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { Field, text, documentSchemas, Operation } from '../../http/index.js';
import { SubscriptionService, type DeviceStart, type SubscriptionStatus } from './subscription.service.js';

const tag = 'LLM';
const status = { description: 'The state of the sign-in.', schema: 'SubscriptionStatusResponse' };

/** The models of the subscription, as listed by the original 1.58.2. */
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

/** The device code of a started sign-in. */
class SubscriptionDevicePollRequestDto {
  @Field(text(), 'The `device_code` from `device/start`.')
  device_code!: string;
}

/** Sign-in with a ChatGPT subscription. */
@Controller('api/llm/subscription/openai')
export class SubscriptionController {
  constructor(private readonly service: SubscriptionService) {}

  @Get('models')
  @Operation({
    tag,
    summary: 'List the models of a ChatGPT subscription',
    answers: { 200: { description: 'The model names.', schema: 'SubscriptionModelsResponse' } },
  })
  models(): { vendor: string; models: readonly string[] } {
    return { vendor: 'openai', models: MODELS };
  }

  @Get('status')
  @Operation({
    tag,
    summary: 'Get the state of the ChatGPT sign-in',
    description: 'Renews an expired sign-in.',
    answers: { 200: status },
  })
  status(): Promise<SubscriptionStatus> {
    return this.service.status();
  }

  @Post('device/start')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Start a ChatGPT sign-in',
    description: 'Requests a code from OpenAI, which the user enters at `verification_uri`.',
    answers: { 200: { description: 'The device code.', schema: 'SubscriptionDeviceStartResponse' } },
    errors: [429, 502],
  })
  start(): Promise<DeviceStart> {
    return this.service.start();
  }

  @Post('device/poll')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Poll a ChatGPT sign-in',
    body: {
      schema: SubscriptionDevicePollRequestDto,
      example: { device_code: 'the-device-code' },
      needs:
        'Needs a sign-in that was started with `device/start`, which asks OpenAI, and its `device_code`.',
    },
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
    summary: 'Sign out of ChatGPT',
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
