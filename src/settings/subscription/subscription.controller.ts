import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { Field, text, documentSchemas, objectSchema, Operation } from '../../http/index.js';
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
  @Field(text(), 'The `device_code` that `device/start` returned.')
  device_code!: string;
}

/** Sign-in with a ChatGPT subscription. */
@Controller('api/llm/subscription/openai')
export class SubscriptionController {
  constructor(private readonly service: SubscriptionService) {}

  @Get('models')
  @Scope('read')
  @Operation({
    tag,
    summary: 'List the models of a ChatGPT subscription',
    description: 'The list is fixed; OpenAI is not asked.',
    answers: { 200: { description: 'The model names.', schema: 'SubscriptionModelsResponse' } },
  })
  models(): { vendor: string; models: readonly string[] } {
    return { vendor: 'openai', models: MODELS };
  }

  @Get('status')
  @Scope('read')
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
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Start a ChatGPT sign-in',
    description: 'Requests a code from OpenAI, which the user enters at `verification_uri`.',
    answers: {
      200: {
        description: 'The code for the user and the address where it is entered.',
        schema: 'SubscriptionDeviceStartResponse',
      },
    },
    errors: { 429: 'Too many sign-ins are pending.', 502: 'OpenAI cannot be reached or refused.' },
  })
  start(): Promise<DeviceStart> {
    return this.service.start();
  }

  @Post('device/poll')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Poll a ChatGPT sign-in',
    description: 'Asks OpenAI whether the user has entered the code, at most once in `interval_seconds`.',
    body: {
      schema: SubscriptionDevicePollRequestDto,
      example: { device_code: 'the-device-code' },
      needs:
        'Needs a sign-in that was started with `device/start`, which asks OpenAI, and its `device_code`.',
    },
    answers: { 200: status },
    errors: {
      404: 'No sign-in with this code is pending; it may have expired.',
      502: 'OpenAI cannot be reached or refused.',
    },
  })
  poll(@Body() { device_code }: SubscriptionDevicePollRequestDto): Promise<SubscriptionStatus> {
    return this.service.poll(device_code);
  }

  @Post('logout')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Sign out of ChatGPT',
    description: 'Deletes the stored tokens. Does nothing if nobody is signed in.',
    answers: { 200: status },
  })
  logout(): Promise<SubscriptionStatus> {
    return this.service.logout();
  }
}

const string = { type: 'string' };
const vendor = { type: 'string', default: 'openai' };
const orNull = (type: string) => ({ anyOf: [{ type }, { type: 'null' }] });
const VENDOR = 'Provider of the subscription; always `openai`.';
documentSchemas(() =>
  Promise.resolve({
    SubscriptionModelsResponse: objectSchema({
      'vendor?': [vendor, VENDOR],
      models: [
        { type: 'array', items: string },
        'Names of models that the subscription includes, without a prefix.',
      ],
    }),
    SubscriptionStatusResponse: objectSchema({
      'vendor?': [vendor, VENDOR],
      connected: [{ type: 'boolean' }, 'Whether a user is signed in.'],
      'account_email?': [orNull('string'), 'Always null: the address of the account is not stored.'],
      'expires_at?': [
        orNull('integer'),
        'Time when the present tokens expire, in milliseconds since 1970. They are renewed by then. Null if nobody is signed in.',
      ],
    }),
    SubscriptionDeviceStartResponse: objectSchema({
      device_code: [string, 'Identifies the sign-in for `device/poll`.'],
      user_code: [string, 'Code that the user enters at `verification_uri`.'],
      verification_uri: [string, 'Address that the user opens.'],
      'verification_uri_complete?': [
        orNull('string'),
        'The address with the code in it; null if there is none.',
      ],
      expires_at: [{ type: 'integer' }, 'Time when the code expires, in milliseconds since 1970.'],
      interval_seconds: [{ type: 'integer' }, 'Seconds to wait between two polls.'],
    }),
  }),
);
