import { Controller, Get, Param, Query } from '@nestjs/common';
import { CurrentPrincipal, type Principal, Scope } from '../../auth/index.js';
import { RuntimeConversationIdPipe, Field, nullable, text, Operation } from '../../http/index.js';
import { RuntimeScopes } from '../paths/runtime-scopes.js';
import { Editor, EDITOR_STATUS, type EditorStatus } from './editor.js';

const tag = 'VSCode';
const SCOPE = 'runtime_conversation_id';

/** The folder to open, and the editor's address. */
class ConversationVscodeQueryDto {
  @Field(
    nullable(text()),
    'Public address of the editor, if clients reach it at another one; null: `http://localhost` with the ' +
      'port of the configuration.',
  )
  base_url: string | null = null;

  @Field(
    nullable(text()),
    'Absolute path of the folder to open, which is inside the folder of the conversation; null: that folder ' +
      'itself.',
  )
  workspace_dir: string | null = null;
}

/** The editor for a conversation. All conversations share one editor. */
@Controller(`api/conversations/:${SCOPE}/vscode`)
export class ConversationVscodeController {
  constructor(
    private readonly editor: Editor,
    private readonly scopes: RuntimeScopes,
  ) {}

  @Get('url')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Get the address of the editor for a conversation',
    description:
      'Starts the editor if needed. The address contains its access token. All conversations share one editor.',
    query: ConversationVscodeQueryDto,
    answers: {
      200: { description: 'The address; null if there is no editor.', schema: 'VSCodeUrlResponse' },
    },
    errors: {
      503: 'The editor is disabled in the configuration.',
      422: '`workspace_dir` is outside of the folder of the conversation.',
    },
  })
  async url(
    @Param(SCOPE, RuntimeConversationIdPipe) id: string,
    @Query() { base_url, workspace_dir }: ConversationVscodeQueryDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<{ url: string | null }> {
    const { paths, folder } = await this.scopes.of(id);
    if (workspace_dir !== null) await paths.assertInside(workspace_dir, 'workspace_dir');
    return { url: await this.editor.url(base_url, workspace_dir ?? folder, principal) };
  }

  @Get('status')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Get the status of the editor for a conversation',
    description: 'Does not start the editor. All conversations share one editor.',
    answers: { 200: EDITOR_STATUS },
  })
  async status(@Param(SCOPE, RuntimeConversationIdPipe) id: string): Promise<EditorStatus> {
    await this.scopes.of(id);
    return this.editor.status;
  }
}
