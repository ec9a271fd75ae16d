import { Body, Controller, HttpCode, Param, Put } from '@nestjs/common';
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
  @Field(text({ min: 1, max: 4096 }), 'Must answer with `{"value": text, "version": text}`.')
  url!: string;

  @Field(
    recordOf(text({ min: 1, max: 8192, secret: true }), { check: headersProblem }),
    'Headers of the request.',
  )
  headers: Record<string, string> = {};
}

/** Binds credentials of ACP agents to URLs where another service keeps and renews them. */
@Controller('api/conversations/:conversation_id/credential-bindings')
export class CredentialBindingsController {
  constructor(private readonly bindings: CredentialBindings) {}

  @Put(':secret_name')
  @HttpCode(204)
  @Operation({
    tag: 'Conversations',
    hidden: true,
    summary: 'Bind a credential of an ACP agent to a URL',
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
    errors: [403, 404, 409, 501, 502],
  })
  bind(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Param('secret_name') name: string,
    @Body() { url, headers }: CredentialBindingRequestDto,
  ): Promise<void> {
    return this.bindings.bind(id, name, { url, headers });
  }
}
