import {
  Body,
  Controller,
  Get,
  HttpCode,
  HttpException,
  Post,
  UnprocessableEntityException,
} from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { Operation } from '../../http/index.js';
import {
  FetchTimeoutError,
  InvalidExtensionError,
  SourceUnavailableError,
} from '../installation/extension-errors.js';
import { MarketplaceCatalogue, type MarketplacePlugin } from '../marketplaces/marketplace-catalogue.js';
import { PluginCatalogue, type PluginInfo } from './plugin-catalogue.js';
import { PluginFetcher, type FetchedPlugin } from './plugin-fetcher.js';
import { FetchPluginRequestDto, PluginsRequestDto } from './plugins.dto.js';

const tag = 'Plugins';

/** Available plugins. */
@Controller('api/plugins')
export class PluginsController {
  constructor(
    private readonly catalogue: PluginCatalogue,
    private readonly fetcher: PluginFetcher,
    private readonly marketplaces: MarketplaceCatalogue,
  ) {}

  @Post()
  @Scope('read')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'List plugins',
    description:
      'Of plugins with the same name the one of the project is listed. Disabled plugins are not listed.',
    body: { schema: PluginsRequestDto, example: { project_dir: 'workspace/project' } },
    answers: {
      200: { description: 'The plugins that a new conversation would load.', schema: 'PluginsResponse' },
    },
  })
  async list(@Body() request: PluginsRequestDto): Promise<{ plugins: PluginInfo[] }> {
    return { plugins: await this.catalogue.list(request) };
  }

  @Post('fetch')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Fetch a plugin without installing it',
    description:
      'Git does not use the configuration of the user, such as stored passwords and rewritten URLs.',
    body: {
      schema: FetchPluginRequestDto,
      example: { source: './workspace/examples/marketplace', repo_path: 'greetings' },
      after: ['Bash_execute#plugin'],
    },
    answers: { 200: { description: 'The fetched plugin.', schema: 'FetchPluginResponse' } },
    errors: {
      502: 'The source cannot be fetched.',
      504: 'The source did not answer within `timeout`.',
      422: 'The source is no valid plugin.',
    },
  })
  async fetch(@Body() request: FetchPluginRequestDto): Promise<FetchedPlugin> {
    try {
      return await this.fetcher.fetch(request);
    } catch (error) {
      throw toFetchError(error);
    }
  }

  @Get('marketplace')
  @Scope('read')
  @Operation({
    tag,
    summary: 'List the plugins of local marketplaces',
    description: 'Nothing is fetched; use `POST /api/skills/sync` to update them.',
    answers: { 200: { description: 'The offered plugins.', schema: 'PluginMarketplaceResponse' } },
  })
  async marketplace(): Promise<{ plugins: MarketplacePlugin[] }> {
    return { plugins: await this.marketplaces.plugins() };
  }
}

/** Converts the error to an answer with a code. */
function toFetchError(error: unknown): unknown {
  if (error instanceof InvalidExtensionError) {
    return new UnprocessableEntityException({ detail: { code: 'invalid_plugin', message: error.message } });
  }
  if (!(error instanceof SourceUnavailableError)) return error;
  const isLate = error instanceof FetchTimeoutError;
  const code = isLate ? 'source_timeout' : 'source_unavailable';
  return new HttpException(JSON.stringify({ code, message: error.message }), isLate ? 504 : 502);
}
