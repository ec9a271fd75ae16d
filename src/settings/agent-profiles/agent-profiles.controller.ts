import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import {
  readChecked,
  anyObject,
  text,
  jsonBodyOf,
  documentSchemas,
  objectSchema,
  Operation,
} from '../../http/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { type AgentProfileInfo, AgentProfilesService } from './agent-profiles.service.js';
import { NAME_IN_PATH, ProfileNamePipe } from '../dto/profile-name.js';
import { RenameAgentProfileRequestDto } from '../llm-profiles/profile-requests.dto.js';
import type { Mutation } from '../llm-profiles/llm-profiles.controller.js';

const tag = 'Profiles';
const path = NAME_IN_PATH;
const idText = text({ min: 1, max: 128 });
const done = {
  description: 'The name of the profile, and what was done.',
  schema: 'AgentProfileMutationResponse',
};

/** Agent profiles: named agents with a model, tools, MCP servers and secrets. */
@Controller('api/agent-profiles')
export class AgentProfilesController {
  constructor(private readonly service: AgentProfilesService) {}

  @Get()
  @Scope('read')
  @Operation({
    tag,
    summary: 'List agent profiles',
    description:
      'If no profile is active, the default profile is activated, and created if it does not exist.',
    answers: { 200: { description: 'The profiles, sorted by name.', schema: 'AgentProfileListResponse' } },
  })
  list(): Promise<{ profiles: AgentProfileInfo[]; active_agent_profile_id: string | null }> {
    return this.service.list();
  }

  @Get(':name')
  @Scope('read')
  @Operation({
    tag,
    path,
    summary: 'Get an agent profile',
    description: 'Returns the profile as it is stored, with its references by name.',
    answers: { 200: { description: 'The profile.', schema: 'AgentProfileDetailResponse' } },
    errors: {
      404: 'There is no agent profile with this name.',
      400: 'The name is invalid, or the stored profile cannot be read.',
    },
  })
  async get(@Param('name', ProfileNamePipe) name: string): Promise<JsonObject> {
    return { name, profile: await this.service.get(name) };
  }

  @Post(':name')
  @Scope('admin')
  @Operation({
    tag,
    path,
    summary: 'Store an agent profile',
    description: 'Replaces a profile of the same name; its id is kept.',
    body: {
      schema: { type: 'object', additionalProperties: true },
      example: { llm_profile_ref: 'demo', system_message_suffix: 'Answer briefly.' },
      after: ['LlmProfiles_save'],
    },
    answers: { 201: done },
    errors: {
      409: 'The maximum number of profiles is reached, or a stored file cannot be read.',
      422: 'The profile is invalid; the LLM profile that it names need not exist.',
    },
  })
  async save(@Param('name', ProfileNamePipe) name: string, @Body() body: unknown): Promise<Mutation> {
    const profile = asJsonObject(readChecked(anyObject(), jsonBodyOf(body), ['body']));
    await this.service.save(name, profile);
    return { name, message: `Agent profile '${name}' saved` };
  }

  @Delete(':name')
  @Scope('admin')
  @Operation({
    tag,
    path,
    summary: 'Delete an agent profile',
    description: 'Succeeds if it does not exist. If it was active, the default profile is activated.',
    answers: { 200: done },
    errors: { 409: 'A stored file cannot be read.' },
  })
  async remove(@Param('name', ProfileNamePipe) name: string): Promise<Mutation> {
    await this.service.remove(name);
    return { name, message: `Agent profile '${name}' deleted` };
  }

  @Post(':name/rename')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    path,
    summary: 'Rename an agent profile',
    description: 'The id of the profile is kept.',
    body: {
      schema: RenameAgentProfileRequestDto,
      example: { new_name: 'brief' },
      after: ['LlmProfiles_save', 'AgentProfiles_save'],
    },
    answers: { 200: done },
    errors: {
      404: 'There is no agent profile with this name.',
      409: 'There is a profile with the new name, or a stored file cannot be read.',
    },
  })
  async rename(
    @Param('name', ProfileNamePipe) name: string,
    @Body() { new_name }: RenameAgentProfileRequestDto,
  ): Promise<Mutation> {
    const isNew = await this.service.rename(name, new_name);
    const what = isNew ? `renamed to '${new_name}'` : 'unchanged (same name)';
    return { name: new_name, message: `Agent profile '${name}' ${what}` };
  }

  @Post(':profile_id/activate')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    path: { profile_id: { ...idText.schema(), description: 'Id of the agent profile: a UUID.' } },
    summary: 'Activate an agent profile',
    description: 'New conversations use the profile with this id.',
    answers: {
      200: {
        description: 'The id of the active profile, and what was done.',
        schema: 'ActivateAgentProfileResponse',
      },
    },
    errors: { 404: 'There is no agent profile with this id.', 409: 'A stored file cannot be read.' },
  })
  async activate(
    @Param('profile_id') param: string,
  ): Promise<{ id: string; message: string; agent_settings_applied: false }> {
    const id = String(readChecked(idText, param, ['path', 'profile_id']));
    await this.service.activate(id);
    return { id, message: `Agent profile '${id}' activated`, agent_settings_applied: false };
  }
}

const string = { type: 'string' };
const textOrNull = { anyOf: [string, { type: 'null' }] };
documentSchemas(() =>
  Promise.resolve({
    AgentProfileInfo: objectSchema({
      id: [string, 'Id of the profile: a UUID.'],
      name: [string, 'Name of the profile.'],
      agent_kind: [string, '`openhands`: the built-in agent; `acp`: an external agent.'],
      'revision?': [{ type: 'integer', default: 0 }, 'Number of times the stored profile was replaced.'],
      'llm_profile_ref?': [textOrNull, 'Name of the LLM profile with its model; null for external agents.'],
      'mcp_server_refs?': [
        { anyOf: [{ type: 'array', items: string }, { type: 'null' }] },
        'Names of MCP servers in the settings that it uses; null: all.',
      ],
    }),
    AgentProfileListResponse: objectSchema({
      profiles: [
        { type: 'array', items: { $ref: '#/components/schemas/AgentProfileInfo' } },
        'The agent profiles, sorted by name.',
      ],
      'active_agent_profile_id?': [textOrNull, 'Id of the profile of new conversations; null: none.'],
    }),
    AgentProfileDetailResponse: objectSchema({
      name: [string, 'Name of the profile.'],
      profile: [
        { type: 'object', additionalProperties: true },
        'The profile as it is stored. Its fields depend on `agent_kind`.',
      ],
    }),
    ActivateAgentProfileResponse: objectSchema({
      id: [string, 'Id of the profile that is active now.'],
      message: [string, 'What was done, for people.'],
      'agent_settings_applied?': [
        { type: 'boolean', default: false },
        'Always false: the agent settings are not changed by this.',
      ],
    }),
  }),
);
