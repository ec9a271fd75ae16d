import { Body, Controller, Delete, Get, Header, Param, Put, Query } from '@nestjs/common';
import { Field, nullable, text, Operation } from '../../http/index.js';
import { AgentProfiles } from '../agent-profiles/agent-profiles.js';
import { NoSuchEntryError } from '../settings-errors.js';
import { type SecretItem, UserSecrets } from './user-secrets.js';

/** A secret to store. */
class SecretCreateRequestDto {
  @Field(text(), 'A letter followed by letters, digits and underscores; at most 64 characters.')
  name!: string;

  @Field(text({ secret: true }))
  value!: string;

  @Field(nullable(text()))
  description: string | null = null;
}

/** Filter of secrets. */
class SecretsQueryDto {
  @Field(nullable(text()), 'Only secrets that this agent profile allows.')
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
  @Operation({
    tag,
    summary: 'List secrets',
    query: SecretsQueryDto,
    answers: { 200: { description: 'The secrets without values.', schema: 'SecretsListResponse' } },
    errors: [404],
  })
  async list(@Query() { agent_profile_id: id }: SecretsQueryDto): Promise<{ secrets: SecretItem[] }> {
    const names = id === null ? undefined : await this.allowedNames(id);
    const secrets = await this.secrets.list();
    return { secrets: names ? secrets.filter(({ name }) => names.includes(name)) : secrets };
  }

  @Put()
  @Operation({
    tag,
    summary: 'Store a secret',
    description: 'Replaces a secret of the same name, including its description.',
    body: {
      schema: SecretCreateRequestDto,
      example: { name: 'API_TOKEN', value: 'not-a-real-token', description: 'For the tracker' },
    },
    answers: { 200: { description: 'The stored secret.', schema: 'SecretItemResponse' } },
    errors: [409],
  })
  put(@Body() { name, value, description }: SecretCreateRequestDto): Promise<SecretItem> {
    return this.secrets.put(name, value, description);
  }

  @Get(':name')
  @Header('Content-Type', 'text/plain; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  @Operation({
    tag,
    summary: 'Get the value of a secret',
    description: 'Returns plain text. Conversations look up secrets here.',
    values,
    answers: { 200: { description: 'The value.', schema: {} } },
    errors: [404, 409],
  })
  value(@Param('name') name: string): Promise<string> {
    return this.secrets.value(name);
  }

  @Delete(':name')
  @Operation({
    tag,
    summary: 'Delete a secret',
    values,
    answers: { 200: { description: 'Deleted.', schema: deleted } },
    errors: [404, 409],
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
