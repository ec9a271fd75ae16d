import { Body, Controller, Delete, Get, Param, Patch, Post } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { Cipher, isToken, MASK, maskSecrets, restoreMasked } from '../../crypto/index.js';
import {
  Field,
  NoOtherFields,
  type FieldType,
  nullable,
  text,
  documentSchemas,
  objectSchema,
  Operation,
  RequestValidationError,
  valueError,
} from '../../http/index.js';
import { asText, type JsonObject } from '../../json/index.js';
import { LlmProfiles } from '../llm-profiles/llm-profiles.js';
import {
  type ConnectionFields,
  type ProviderConnection,
  ProviderConnections,
} from './provider-connections.js';
import { RefusedSettingsError, StillReferencedError } from '../settings-errors.js';
import { SettingsStore } from '../user-settings/settings-store.js';
import { Documents } from '../../storage/index.js';

const realKey = (min?: number): FieldType =>
  text({
    min,
    secret: true,
    check: (key) =>
      key.trim() === '' || key === MASK ? 'api_key must be a real key, not blank or redacted' : undefined,
  });
const label = text({ min: 1, max: 128 });
const address = nullable(text({ max: 2048 }));
const OPTIONAL = { optional: true } as const;

/** A new provider connection. */
@NoOtherFields()
class ProviderConnectionCreateRequestDto {
  @Field(label, 'Name of the connection for people.')
  display_name!: string;

  @Field(label, 'Provider that the key is for, as the prefix of models names it, such as `openai`.')
  provider = 'custom';

  @Field(realKey(1), 'Key for the API of the provider, or a token that this server encrypted.')
  api_key!: string;

  @Field(address, "URL in place of the provider's; null: the provider's.")
  base_url: string | null = null;
}

/** Changes of a provider connection. */
@NoOtherFields()
class ProviderConnectionUpdateRequestDto {
  @Field(nullable(label), 'New name for people; missing: not changed. Null is refused.', OPTIONAL)
  display_name?: string | null;

  @Field(nullable(label), 'New provider; missing: not changed. Null is refused.', OPTIONAL)
  provider?: string | null;

  @Field(
    nullable(realKey()),
    'New key; missing: not changed. Null is refused: a connection always has a key.',
    OPTIONAL,
  )
  api_key?: string | null;

  @Field(address, "New URL; null: the provider's; missing: not changed.", OPTIONAL)
  base_url?: string | null;
}

const answer = { description: 'The connection, without its key.', schema: 'ProviderConnectionResponse' };
const UPDATE = {
  update: {
    operationId: 'ProviderConnections_update',
    parameters: { connection_id: '$response.body#/id' },
  },
};
const tag = 'Profiles';

/** Provider connections: API keys and URLs that LLM profiles share. */
@Controller('api/llm/provider-connections')
export class ProviderConnectionsController {
  constructor(
    private readonly documents: Documents,
    private readonly connections: ProviderConnections,
    private readonly profiles: LlmProfiles,
    private readonly settings: SettingsStore,
    private readonly cipher: Cipher,
  ) {}

  @Get()
  @Scope('read')
  @Operation({
    tag,
    summary: 'List provider connections',
    description: 'Keys are left out; `api_key_set` tells whether there is one.',
    answers: {
      200: {
        description: 'The connections in order of creation.',
        schema: { type: 'array', items: { $ref: '#/components/schemas/ProviderConnectionResponse' } },
      },
    },
    errors: { 409: 'The stored file cannot be read.' },
  })
  async list(): Promise<JsonObject[]> {
    return (await this.connections.all()).map((connection) => toResponse(connection));
  }

  @Post()
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Create a provider connection',
    description: 'LLM profiles that name it take their key and URL from it.',
    body: {
      schema: ProviderConnectionCreateRequestDto,
      example: { display_name: 'Team', provider: 'openai', api_key: 'sk-not-a-real-key' },
    },
    answers: { 201: { ...answer, links: UPDATE } },
    errors: { 409: 'The maximum number of connections is reached, or the stored file cannot be read.' },
  })
  async create(@Body() request: ProviderConnectionCreateRequestDto): Promise<JsonObject> {
    const { display_name, provider, api_key, base_url } = request;
    const fields = { display_name, provider, api_key: this.decryptKey(api_key), base_url };
    return toResponse(await this.documents.change((writer) => this.connections.create(writer, fields)));
  }

  @Patch(':connection_id')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Update a provider connection',
    description: 'Fields that are missing are not changed. Profiles use the new values with their next call.',
    path: { connection_id: { type: 'string', description: 'Id of the provider connection.' } },
    body: {
      schema: ProviderConnectionUpdateRequestDto,
      example: { display_name: 'Whole team' },
      after: ['ProviderConnections_create'],
    },
    answers: { 200: answer },
    errors: { 404: 'There is no connection with this id.', 409: 'The stored file cannot be read.' },
  })
  async update(
    @Param('connection_id') id: string,
    @Body() request: ProviderConnectionUpdateRequestDto,
  ): Promise<JsonObject> {
    const fields = this.parseChanges(request);
    const { base_url } = fields;
    return toResponse(
      await this.documents.change(async (writer) => {
        // A masked user name and password in the URL keep their stored values.
        const before = { ...(await this.connections.get(id)) };
        const address = base_url === undefined ? {} : restoreMasked({ base_url }, before);
        return this.connections.update(writer, id, { ...fields, ...address });
      }),
    );
  }

  @Delete(':connection_id')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Delete a provider connection',
    path: { connection_id: { type: 'string', description: 'Id of the provider connection.' } },
    description: 'Fails while a profile or the settings use it.',
    answers: { 200: answer },
    errors: {
      404: 'There is no connection with this id.',
      409: 'A profile or the settings use it, or the stored file cannot be read.',
    },
  })
  async remove(@Param('connection_id') id: string): Promise<JsonObject> {
    const removed = await this.documents.change(async (writer) => {
      const connection = await this.connections.get(id);
      await this.assertUnused(id);
      await this.connections.remove(writer, id);
      return connection;
    });
    return toResponse({ ...removed, api_key: null });
  }

  private parseChanges(request: ProviderConnectionUpdateRequestDto): Partial<ConnectionFields> {
    const { display_name, provider, api_key, base_url } = request;
    for (const [name, value] of Object.entries({ display_name, provider })) {
      if (value !== null) continue;
      const problem = valueError(`${name} cannot be set to null`, ['body']);
      throw new RequestValidationError([problem], { body: { [name]: null } });
    }
    if (api_key === null) {
      throw new RefusedSettingsError('api_key cannot be cleared; provide a new key to rotate it');
    }
    const fields = {
      ...(typeof display_name === 'string' && { display_name }),
      ...(typeof provider === 'string' && { provider }),
      ...(api_key !== undefined && { api_key: this.decryptKey(api_key) }),
      ...(base_url !== undefined && { base_url }),
    };
    if (Object.keys(fields).length > 0) return fields;
    throw new RefusedSettingsError('Provide at least one provider connection field to update');
  }

  /** Clients may send the key as a token that this server encrypted. */
  private decryptKey(key: string): string {
    if (!isToken(key)) return key;
    const decrypted = this.cipher.decrypt(key);
    if (decrypted !== undefined) return decrypted;
    throw new RefusedSettingsError('api_key is an encrypted token that no key of this server opens');
  }

  private async assertUnused(id: string): Promise<void> {
    const profiles = (await this.profiles.list()).filter((profile) => profile.provider_connection_id === id);
    const { agent } = await this.settings.load();
    const names = profiles.map(({ name }) => name).join(', ');
    const uses = [
      ...(profiles.length > 0 ? [`referenced by LLM profile(s): ${names}`] : []),
      ...(connectionOf(agent['llm']) === id ? ['referenced by the active agent settings'] : []),
    ];
    if (uses.length === 0) return;
    throw new StillReferencedError(
      `Provider connection cannot be deleted while it is ${uses.join(' and ')}. ` +
        'Update those references before deleting it.',
    );
  }
}

function connectionOf(llm: unknown): string | null {
  if (typeof llm !== 'object' || llm === null || !('provider_connection_id' in llm)) return null;
  return asText(llm.provider_connection_id);
}

function toResponse({ api_key, ...connection }: ProviderConnection): JsonObject {
  return { ...maskSecrets({ ...connection }), api_key_set: api_key !== null && api_key !== '' };
}

const string = { type: 'string' };
documentSchemas(() =>
  Promise.resolve({
    ProviderConnectionResponse: objectSchema({
      id: [string, 'Id of the connection, which LLM profiles name.'],
      display_name: [string, 'Name for people.'],
      provider: [string, 'Provider that the key is for, as the prefix of models names it.'],
      'base_url?': [
        { anyOf: [string, { type: 'null' }] },
        "URL in place of the provider's, with a user name and a password masked; null: the provider's.",
      ],
      created_at: [{ type: 'integer' }, 'Time of the creation, in seconds since 1970.'],
      updated_at: [{ type: 'integer' }, 'Time of the last change, in seconds since 1970.'],
      'api_key_set?': [{ type: 'boolean', default: false }, 'Whether it has an API key.'],
    }),
  }),
);
