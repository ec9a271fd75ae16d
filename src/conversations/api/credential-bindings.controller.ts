import { Body, Controller, HttpCode, Param, Put } from '@nestjs/common';
import { ConversationIdPipe } from '../../http/validation/conversation-id.pipe.js';
import { Field, NoOtherFields } from '../../http/validation/field.js';
import { recordOf, text } from '../../http/validation/field-type.js';
import { Operation } from '../../http/operation.js';
import { CredentialBindings } from '../secrets/credential-bindings.js';

/** The bounds of the original. */
const MAX_HEADERS = 16;
const MAX_NAME = 256;

function tooLarge(headers: [string, unknown][]): string | undefined {
  if (headers.length > MAX_HEADERS) return `At most ${MAX_HEADERS} headers are allowed`;
  const isLong = headers.some(([name]) => name.length > MAX_NAME);
  return isLong ? `Names of headers have at most ${MAX_NAME} characters` : undefined;
}

/** Where a credential is fetched from. */
@NoOtherFields()
export class CredentialBindingRequestDto {
  @Field(text({ min: 1, max: 4096 }), 'Answers with the credential: `{"value": text, "version": text}`.')
  url!: string;

  @Field(recordOf(text({ min: 1, max: 8192, secret: true }), { check: tooLarge }), 'Headers of the request.')
  headers: Record<string, string> = {};
}

/** Credentials of agents from elsewhere that somebody else keeps and renews. */
@Controller('api/conversations/:conversation_id/credential-bindings')
export class CredentialBindingsController {
  constructor(private readonly bindings: CredentialBindings) {}

  @Put(':secret_name')
  @HttpCode(204)
  @Operation({
    tag: 'Conversations',
    hidden: true,
    summary: 'Take a credential of the agent from an address',
    description:
      'Of agents that speak ACP: `CODEX_AUTH_JSON`. The address is asked first. The conversation need not exist yet.',
    body: { schema: CredentialBindingRequestDto },
    answers: { 204: { description: 'The agent gets it when it starts next.' } },
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
