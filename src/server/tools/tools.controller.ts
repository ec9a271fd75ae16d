import { Controller, Get } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { documentSchemas, Operation } from '../../http/index.js';
import { hasChromium, ToolRegistry } from '../../tools/index.js';
import { toolCatalogue, toolSchemas, type ToolCatalogue } from './tool-catalogue.js';

const tag = 'Tools';

documentSchemas(() => Promise.resolve(toolSchemas()));

/** The available tools. */
@Controller('api/tools')
export class ToolsController {
  constructor(
    private readonly tools: ToolRegistry,
    private readonly config: AppConfig,
  ) {}

  @Get('{/}')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'List the names of the tools',
    description: 'The names by which configurations of agents select tools, in the order of the registry.',
    answers: {
      200: { description: 'The names of the tools.', schema: { type: 'array', items: { type: 'string' } } },
    },
  })
  list(): string[] {
    return this.tools.available();
  }

  @Get('catalog')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'List the tools with descriptions',
    description: 'For interfaces in which people choose the tools of an agent.',
    answers: {
      200: {
        description: 'All tools, those that people cannot select included.',
        schema: 'ToolCatalogResponse',
      },
    },
  })
  async catalogue(): Promise<ToolCatalogue> {
    const browses = this.config.enable_browser && (await hasChromium());
    return toolCatalogue(this.tools, (name) => name !== 'browser_tool_set' || browses);
  }
}
