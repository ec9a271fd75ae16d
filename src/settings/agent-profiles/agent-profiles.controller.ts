import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { readChecked, anyObject, text, jsonBodyOf, documentSchemas, Operation } from '../../http/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { type AgentProfileInfo, AgentProfilesService } from './agent-profiles.service.js';
import { NAME_IN_PATH, ProfileNamePipe } from '../dto/profile-name.js';
import { RenameAgentProfileRequestDto } from '../llm-profiles/profile-requests.dto.js';
import type { Mutation } from '../llm-profiles/llm-profiles.controller.js';

const tag = 'Profiles';
const path = NAME_IN_PATH;
const idText = text({ min: 1, max: 128 });
const done = { description: 'The result.', schema: 'AgentProfileMutationResponse' };

/** Agent profiles: named agents with a model, tools, MCP servers and secrets. */
@Controller('api/agent-profiles')
export class AgentProfilesController {
  constructor(private readonly service: AgentProfilesService) {}

  @Get()
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
  @Operation({
    tag,
    path,
    summary: 'Get an agent profile',
    answers: { 200: { description: 'The profile.', schema: 'AgentProfileDetailResponse' } },
    errors: [404],
  })
  async get(@Param('name', ProfileNamePipe) name: string): Promise<JsonObject> {
    return { name, profile: await this.service.get(name) };
  }

  @Post(':name')
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
    errors: [409],
  })
  async save(@Param('name', ProfileNamePipe) name: string, @Body() body: unknown): Promise<Mutation> {
    const profile = asJsonObject(readChecked(anyObject(), jsonBodyOf(body), ['body']));
    await this.service.save(name, profile);
    return { name, message: `Agent profile '${name}' saved` };
  }

  @Delete(':name')
  @Operation({
    tag,
    path,
    summary: 'Delete an agent profile',
    description: 'Succeeds if it does not exist. If it was active, the default profile is activated.',
    answers: { 200: done },
    errors: [409],
  })
  async remove(@Param('name', ProfileNamePipe) name: string): Promise<Mutation> {
    await this.service.remove(name);
    return { name, message: `Agent profile '${name}' deleted` };
  }

  @Post(':name/rename')
  @HttpCode(200)
  @Operation({
    tag,
    path,
    summary: 'Rename an agent profile',
    body: {
      schema: RenameAgentProfileRequestDto,
      example: { new_name: 'brief' },
      after: ['LlmProfiles_save', 'AgentProfiles_save'],
    },
    answers: { 200: done },
    errors: [404, 409],
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
  @HttpCode(200)
  @Operation({
    tag,
    path: { profile_id: idText.schema() },
    summary: 'Activate an agent profile',
    description: 'New conversations use the profile with this id.',
    answers: { 200: { description: 'The result.', schema: 'ActivateAgentProfileResponse' } },
    errors: [404, 409],
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
    AgentProfileInfo: {
      type: 'object',
      properties: {
        ...{ id: string, name: string, agent_kind: string, revision: { type: 'integer', default: 0 } },
        llm_profile_ref: textOrNull,
        mcp_server_refs: { anyOf: [{ type: 'array', items: string }, { type: 'null' }] },
      },
      required: ['id', 'name', 'agent_kind'],
    },
    AgentProfileListResponse: {
      type: 'object',
      properties: {
        profiles: { type: 'array', items: { $ref: '#/components/schemas/AgentProfileInfo' } },
        active_agent_profile_id: textOrNull,
      },
      required: ['profiles'],
    },
    AgentProfileDetailResponse: {
      type: 'object',
      properties: { name: string, profile: { type: 'object', additionalProperties: true } },
      required: ['name', 'profile'],
    },
    ActivateAgentProfileResponse: {
      type: 'object',
      properties: {
        id: string,
        message: string,
        agent_settings_applied: { type: 'boolean', default: false },
      },
      required: ['id', 'message'],
    },
  }),
);
