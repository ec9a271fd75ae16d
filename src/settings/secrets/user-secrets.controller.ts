import { Body, Controller, Delete, Get, Header, Param, Put, Query } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { Field, nullable, text, Operation } from '../../http/index.js';
import { AgentProfiles } from '../agent-profiles/agent-profiles.js';
import { NoSuchEntryError } from '../settings-errors.js';
import { type SecretItem, UserSecrets } from './user-secrets.js';

/** A secret to store. */
class SecretCreateRequestDto {
  @Field(
    text(),
    'Name of the secret: a letter followed by letters, digits and underscores; at most 64 characters.',
  )
  name!: string;

  @Field(text({ secret: true }), 'Value of the secret, which answers do not contain.')
  value!: string;

  @Field(nullable(text()), 'What the secret is for; agents read it. Null: none.')
  description: string | null = null;
}

/** Filter of secrets. */
class SecretsQueryDto {
  @Field(nullable(text()), 'Only secrets that the agent profile with this id allows; null: all.')
  agent_profile_id: string | null = null;
}

const tag = 'Settings';
const values = { name: 'API_TOKEN' };
const deleted = { type: 'object', additionalProperties: { type: 'boolean' } };

/** The secrets of a user, for commands and tools of conversations. */
@Controller('api/settings/secrets')
export class UserSecretsController {
  constructor(
    private readonly secrets: UserSecrets,
    private readonly profiles: AgentProfiles,
  ) {}

  @Get()
  @Scope('read')
  @Operation({
    tag,
    summary: 'List secrets',
    description: 'Values are left out; `GET /api/settings/secrets/{name}` returns one.',
    query: SecretsQueryDto,
    answers: { 200: { description: 'The secrets without values.', schema: 'SecretsListResponse' } },
    errors: { 404: 'There is no agent profile with the given id.' },
  })
  async list(@Query() { agent_profile_id: id }: SecretsQueryDto): Promise<{ secrets: SecretItem[] }> {
    const names = id === null ? undefined : await this.allowedNames(id);
    const secrets = await this.secrets.list();
    return { secrets: names ? secrets.filter(({ name }) => names.includes(name)) : secrets };
  }

  @Put()
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Store a secret',
    description: 'Replaces a secret of the same name, including its description.',
    body: {
      schema: SecretCreateRequestDto,
      example: { name: 'API_TOKEN', value: 'not-a-real-token', description: 'For the tracker' },
    },
    answers: { 200: { description: 'The stored secret, without its value.', schema: 'SecretItemResponse' } },
    errors: { 409: 'The stored file cannot be read.' },
  })
  put(@Body() { name, value, description }: SecretCreateRequestDto): Promise<SecretItem> {
    return this.secrets.put(name, value, description);
  }

  @Get(':name')
  @Scope('admin')
  @Header('Content-Type', 'text/plain; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  @Operation({
    tag,
    summary: 'Get the value of a secret',
    path: { name: { type: 'string', description: 'Name of the secret.' } },
    description: 'Returns plain text. Conversations look up secrets here.',
    values,
    answers: { 200: { description: 'The value as plain text.', schema: {} } },
    errors: {
      404: 'There is no secret with this name.',
      409: 'The stored file cannot be read, or no key of the server decrypts the value.',
    },
  })
  value(@Param('name') name: string): Promise<string> {
    return this.secrets.value(name);
  }

  @Delete(':name')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Delete a secret',
    values,
    description: 'Conversations that look it up do not find it any more.',
    path: { name: { type: 'string', description: 'Name of the secret.' } },
    answers: { 200: { description: '`deleted` is true: the secret is gone.', schema: deleted } },
    errors: { 404: 'There is no secret with this name.', 409: 'The stored file cannot be read.' },
  })
  async remove(@Param('name') name: string): Promise<{ deleted: true }> {
    await this.secrets.remove(name);
    return { deleted: true };
  }

  /** The names of the secrets that a profile allows; undefined: all. */
  private async allowedNames(id: string): Promise<string[] | undefined> {
    const profile = await this.profiles.find(id);
    if (!profile) throw new NoSuchEntryError('Agent profile not found');
    const { secret_refs: refs } = profile;
    return Array.isArray(refs) ? refs.map(String) : undefined;
  }
}
