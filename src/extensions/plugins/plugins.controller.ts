import {
  Body,
  Controller,
  Get,
  HttpCode,
  HttpException,
  Post,
  UnprocessableEntityException,
} from '@nestjs/common';
import { Operation } from '../../http/operation.js';
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

/** The plugins that an agent could have. */
@Controller('api/plugins')
export class PluginsController {
  constructor(
    private readonly catalogue: PluginCatalogue,
    private readonly fetcher: PluginFetcher,
    private readonly marketplaces: MarketplaceCatalogue,
  ) {}

  @Post()
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'List plugins',
    description:
      'Of several with one name that of the project counts. Installed ones that are switched off are not listed.',
    body: { schema: PluginsRequestDto },
    answers: { 200: { description: 'What there is.', schema: 'PluginsResponse' } },
  })
  async list(@Body() request: PluginsRequestDto): Promise<{ plugins: PluginInfo[] }> {
    return { plugins: await this.catalogue.list(request) };
  }

  @Post('fetch')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Look at a plugin without installing it',
    description:
      'Git knows nothing of what the person has configured: neither passwords nor other addresses.',
    body: { schema: FetchPluginRequestDto },
    answers: { 200: { description: 'What it is.', schema: 'FetchPluginResponse' } },
    errors: [502, 504],
  })
  async fetch(@Body() request: FetchPluginRequestDto): Promise<FetchedPlugin> {
    try {
      return await this.fetcher.fetch(request);
    } catch (error) {
      throw toFetchError(error);
    }
  }

  @Get('marketplace')
  @Operation({
    tag,
    summary: 'List the plugins of marketplaces that are on this machine',
    description: 'Nothing is fetched for this: `POST /api/skills/sync` does.',
    answers: { 200: { description: 'What can be installed.', schema: 'PluginMarketplaceResponse' } },
  })
  async marketplace(): Promise<{ plugins: MarketplacePlugin[] }> {
    return { plugins: await this.marketplaces.plugins() };
  }
}

/** What went wrong, with a code that programs understand. */
function toFetchError(error: unknown): unknown {
  if (error instanceof InvalidExtensionError) {
    return new UnprocessableEntityException({ detail: { code: 'invalid_plugin', message: error.message } });
  }
  if (!(error instanceof SourceUnavailableError)) return error;
  const isLate = error instanceof FetchTimeoutError;
  const code = isLate ? 'source_timeout' : 'source_unavailable';
  return new HttpException(JSON.stringify({ code, message: error.message }), isLate ? 504 : 502);
}
