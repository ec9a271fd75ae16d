import path from 'node:path';
import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { ContextLoader } from '../../agent/index.js';
import { AppConfig } from '../../config/index.js';
import { hookConfig } from '../../conversations/index.js';
import { errorMessage } from '../../errors/index.js';
import { readChecked, toPlain, Field, nullable, text, Operation } from '../../http/index.js';
import { isJsonObject, type JsonObject } from '../../json/index.js';

/** The project to read. */
class HooksRequestDto {
  @Field(
    nullable(text()),
    'Folder of the project; a relative path is resolved against the folder of the server. Null: no hooks.',
  )
  project_dir: string | null = null;
}

/** Hooks of projects. */
@Controller('api/hooks')
export class HooksController {
  constructor(
    private readonly context: ContextLoader,
    private readonly config: AppConfig,
  ) {}

  @Post()
  @Scope('read')
  @HttpCode(200)
  @Operation({
    tag: 'Hooks',
    summary: 'Get the hooks of a project',
    description: 'Reads `.openhands/hooks.json` of the folder.',
    body: { schema: HooksRequestDto, example: { project_dir: 'workspace/project' } },
    answers: { 200: { description: 'The hook configuration.', schema: 'HooksResponse' } },
  })
  async read(@Body() { project_dir }: HooksRequestDto): Promise<{ hook_config: JsonObject | null }> {
    if (!project_dir) return { hook_config: null };
    const project = path.resolve(this.config.base_dir, project_dir);
    const file = await this.context.projectHooks(project);
    return { hook_config: file === undefined ? null : this.checked(file, project) };
  }

  private checked(file: unknown, project: string): JsonObject | null {
    try {
      const config = toPlain(readChecked(hookConfig, file, []));
      if (!isJsonObject(config)) return null;
      return Object.values(config).some((list) => Array.isArray(list) && list.length > 0) ? config : null;
    } catch (error) {
      this.context.warn('hooks')(path.join(project, '.openhands', 'hooks.json'), errorMessage(error));
      return null;
    }
  }
}
