import { Controller, Get, Param, Query } from '@nestjs/common';
import { AppConfig } from '../config/index.js';
import { RuntimeConversationIdPipe } from '../http/conversation-id.pipe.js';
import { Field } from '../http/field.js';
import { nullable, text } from '../http/field-type.js';
import { Operation } from '../http/operation.js';
import { RuntimeScopes } from './runtime-scopes.js';

const tag = 'VSCode';
const SCOPE = 'runtime_conversation_id';

/** Where the editor is to begin. */
export class ConversationVscodeQueryDto {
  @Field(nullable(text()), 'Address that the editor is reached under.')
  base_url: string | null = null;

  @Field(nullable(text()), 'Absolute; inside the folder of the conversation.')
  workspace_dir: string | null = null;
}

/** The editor in the browser, for a conversation. This server starts none, so there is none to be reached. */
@Controller(`api/conversations/:${SCOPE}/vscode`)
export class ConversationVscodeController {
  constructor(
    private readonly config: AppConfig,
    private readonly scopes: RuntimeScopes,
  ) {}

  @Get('url')
  @Operation({
    tag,
    summary: 'Get the address of the editor for a conversation',
    query: ConversationVscodeQueryDto,
    answers: { 200: { description: 'Null: there is none.', schema: 'VSCodeUrlResponse' } },
    errors: [404],
  })
  async url(
    @Param(SCOPE, RuntimeConversationIdPipe) id: string,
    @Query() { workspace_dir }: ConversationVscodeQueryDto,
  ): Promise<{ url: null }> {
    const { paths } = await this.scopes.of(id);
    if (workspace_dir !== null) await paths.assertInside(workspace_dir, 'workspace_dir');
    return { url: null };
  }

  @Get('status')
  @Operation({
    tag,
    summary: 'Whether the editor runs for a conversation',
    answers: {
      200: {
        description: 'Whether it runs, and whether it is allowed to.',
        schema: { type: 'object', additionalProperties: { anyOf: [{ type: 'boolean' }, { type: 'string' }] } },
      },
    },
    errors: [404],
  })
  async status(
    @Param(SCOPE, RuntimeConversationIdPipe) id: string,
  ): Promise<{ running: boolean; enabled: boolean }> {
    await this.scopes.of(id);
    return { running: false, enabled: this.config.enable_vscode };
  }
}
