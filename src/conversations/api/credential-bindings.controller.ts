import { Body, Controller, HttpCode, Param, Put } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { ConversationIdPipe, Field, NoOtherFields, recordOf, text, Operation } from '../../http/index.js';
import { CredentialBindings } from '../secrets/credential-bindings.js';

/** Limits of the original. */
const MAX_HEADERS = 16;
const MAX_NAME = 256;

function headersProblem(headers: [string, unknown][]): string | undefined {
  if (headers.length > MAX_HEADERS) return `At most ${MAX_HEADERS} headers are allowed`;
  const isTooLong = headers.some(([name]) => name.length > MAX_NAME);
  return isTooLong ? `Header names have at most ${MAX_NAME} characters` : undefined;
}

/** The source of a credential. */
@NoOtherFields()
class CredentialBindingRequestDto {
  @Field(text({ min: 1, max: 4096 }), 'URL that answers with `{"value": text, "version": text}`.')
  url!: string;

  @Field(
    recordOf(text({ min: 1, max: 8192, secret: true }), { check: headersProblem }),
    'Headers of each request to the URL, such as its credentials.',
  )
  headers: Record<string, string> = {};
}

/**
 * Binds credentials of ACP agents to URLs where another service keeps and renews them. Not for keys of one's
 * own: the server looks up nothing for them.
 */
@Controller('api/conversations/:conversation_id/credential-bindings')
export class CredentialBindingsController {
  constructor(private readonly bindings: CredentialBindings) {}

  @Put(':secret_name')
  @Scope('write')
  @HttpCode(204)
  @Operation({
    tag: 'Conversations',
    hidden: true,
    summary: 'Bind a credential of an ACP agent to a URL',
    path: {
      secret_name: { type: 'string', description: 'Name of the credential; `CODEX_AUTH_JSON` is supported.' },
    },
    description:
      'Supports `CODEX_AUTH_JSON`. The URL is requested once to validate it. The conversation need not exist yet.',
    body: {
      schema: CredentialBindingRequestDto,
      example: {
        url: 'https://credentials.example.com/codex',
        headers: { Authorization: 'Bearer not-real' },
      },
    },
    answers: { 204: { description: 'Bound. The agent gets the credential when it starts next.' } },
    errors: {
      403: 'The URL rejects the headers of the request.',
      404: 'The credential is none that can be bound.',
      409: 'The agent has started with another credential, or is none that uses it.',
      422: 'The URL is invalid, or does not answer with a credential.',
      501: 'The service at the URL does not support bindings.',
      502: 'The service at the URL is unavailable.',
    },
  })
  bind(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Param('secret_name') name: string,
    @Body() { url, headers }: CredentialBindingRequestDto,
  ): Promise<void> {
    return this.bindings.bind(id, name, { url, headers });
  }
}
