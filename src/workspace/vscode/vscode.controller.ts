import { Controller, Get, Query } from '@nestjs/common';
import { CurrentPrincipal, type Principal, Scope } from '../../auth/index.js';
import { Field, nullable, text, Operation } from '../../http/index.js';
import { Editor, EDITOR_STATUS, type EditorStatus } from './editor.js';

const tag = 'VSCode';

/** The folder to open, and the editor's address. */
class VscodeQueryDto {
  @Field(
    nullable(text()),
    'Public address of the editor, if clients reach it at another one; null: `http://localhost` with the ' +
      'port of the configuration.',
  )
  base_url: string | null = null;

  @Field(text(), 'The folder to open in the editor.')
  workspace_dir: string = 'workspace';
}

/** The editor in the browser. */
@Controller('api/vscode')
export class VscodeController {
  constructor(private readonly editor: Editor) {}

  @Get('url')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Get the address of the editor',
    description: 'Starts the editor if needed. The address contains its access token.',
    query: VscodeQueryDto,
    answers: {
      200: {
        description: 'The address; null if the editor is not installed or does not start.',
        schema: 'VSCodeUrlResponse',
      },
    },
    errors: { 503: 'The editor is disabled in the configuration.' },
  })
  async url(
    @Query() { base_url, workspace_dir }: VscodeQueryDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<{ url: string | null }> {
    return { url: await this.editor.url(base_url, workspace_dir, principal) };
  }

  @Get('status')
  @Scope('read')
  @Operation({
    tag,
    summary: 'Get the status of the editor',
    description: 'Does not start the editor.',
    answers: { 200: EDITOR_STATUS },
  })
  status(): EditorStatus {
    return this.editor.status;
  }
}
