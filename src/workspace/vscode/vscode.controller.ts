import { Controller, Get, Query } from '@nestjs/common';
import { Field } from '../../http/validation/field.js';
import { nullable, text } from '../../http/validation/field-type.js';
import { Operation } from '../../http/operation.js';
import { Editor, EDITOR_STATUS, type EditorStatus } from './editor.js';

const tag = 'VSCode';

/** Where the editor is to begin. */
export class VscodeQueryDto {
  @Field(nullable(text()), 'Address that the editor is reached under.')
  base_url: string | null = null;

  @Field(text(), 'The folder that it shows.')
  workspace_dir: string = 'workspace';
}

/** The editor in the browser, where it is installed. */
@Controller('api/vscode')
export class VscodeController {
  constructor(private readonly editor: Editor) {}

  @Get('url')
  @Operation({
    tag,
    summary: 'Get the address of the editor',
    description: 'Starts the editor unless it runs. The address holds the token that opens it.',
    query: VscodeQueryDto,
    answers: {
      200: { description: 'Null: it is not installed, or does not start.', schema: 'VSCodeUrlResponse' },
    },
  })
  async url(@Query() { base_url, workspace_dir }: VscodeQueryDto): Promise<{ url: string | null }> {
    return { url: await this.editor.url(base_url, workspace_dir) };
  }

  @Get('status')
  @Operation({ tag, summary: 'Whether the editor runs', answers: { 200: EDITOR_STATUS } })
  status(): EditorStatus {
    return this.editor.status;
  }
}
