import { Controller, Get, Header } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { AppConfig, configEntries } from '../../config/index.js';
import { KnownSecrets } from '../../crypto/index.js';
import { documentSchemas, Operation } from '../../http/index.js';
import { isJsonObject } from '../../json/index.js';
import type { ConfigurationInForce } from './configuration-answer.js';
import { GROUP_TITLES, groupOf } from './configuration-groups.js';

documentSchemas(async () => (await import('./configuration-answer.js')).configurationSchemas());

/** The configuration in force, for people who ask why the server behaves as it does. */
@Controller('api/server/configuration')
export class ConfigurationController {
  constructor(
    private readonly config: AppConfig,
    private readonly secrets: KnownSecrets,
  ) {}

  @Get()
  @Scope('read')
  @Header('Cache-Control', 'no-store')
  @Operation({
    tag: 'Server Details',
    summary: 'Get the configuration in force',
    description:
      'For operators who want to know which value an option has and where it comes from. Secrets are masked; URLs are ' +
      'shown without user name, password and query.',
    answers: {
      200: {
        description: 'All options with their values and sources, in groups.',
        schema: 'ConfigurationInForce',
      },
    },
  })
  configuration(): ConfigurationInForce {
    const { base_dir, origin } = this.config;
    const entries = configEntries(this.config);
    const groups = GROUP_TITLES.map((title) => ({
      title,
      fields: entries
        .filter(({ name }) => groupOf(name) === title)
        .map((entry) => ({ ...entry, value: this.masked(entry.value) })),
    })).filter(({ fields }) => fields.length > 0);
    return {
      base_dir,
      file: origin.file,
      warnings: origin.warnings.map((warning) => this.secrets.mask(warning)),
      groups,
    };
  }

  /** The last line of defence: a key may stand in an option that is no secret. */
  private masked(value: unknown): unknown {
    if (typeof value === 'string') return this.secrets.mask(value);
    if (Array.isArray(value)) return value.map((item) => this.masked(item));
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.masked(item)]));
  }
}
