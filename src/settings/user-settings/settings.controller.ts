import {
  BadRequestException,
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Param,
  Patch,
  Post,
} from '@nestjs/common';
import { CurrentPrincipal, type Principal, Scope } from '../../auth/index.js';
import { Cipher } from '../../crypto/index.js';
import { toPlain, Operation } from '../../http/index.js';
import { asJsonObject, type JsonObject } from '../../json/index.js';
import { McpServerDto, McpServerPatchDto } from '../dto/mcp-server.dto.js';
import { SettingsUpdateRequestDto } from './update-settings.dto.js';
import { EXPOSE_HEADER, parseExposure } from '../dto/expose-secrets.js';
import { agentSchema } from './form-schema/agent-schema.js';
import { conversationSchema } from './form-schema/conversation-schema.js';
import type { SettingsSchema } from './form-schema/form-schema.js';
import { SettingsService } from './settings.service.js';

const tag = 'Settings';
const settings = { description: 'The settings.', schema: 'SettingsResponse' };
const schema = { 200: { description: 'The form schema.', schema: 'SettingsSchema' } };

/** The settings of new conversations. */
@Controller('api/settings')
export class SettingsController {
  constructor(
    private readonly service: SettingsService,
    private readonly cipher: Cipher,
  ) {}

  @Get()
  @Scope('read')
  @Operation({
    tag,
    summary: 'Get the settings',
    description:
      'Returns the defaults if nothing is stored or the file is damaged. Secrets that no key of the server decrypts are ' +
      'returned as not set.',
    headers: EXPOSE_HEADER,
    answers: { 200: settings },
  })
  get(
    @CurrentPrincipal() principal: Principal,
    @Headers('x-expose-secrets') expose?: string,
  ): Promise<JsonObject> {
    return this.service.get(parseExposure(expose, this.cipher, principal));
  }

  @Patch()
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Update the settings',
    description: 'Applies all changes or none. Masked secrets keep their stored values.',
    body: {
      schema: SettingsUpdateRequestDto,
      example: { conversation_settings_diff: { max_iterations: 100 } },
    },
    answers: { 200: settings },
    errors: {
      400: 'No change is given.',
      404: 'A named profile does not exist.',
      409: 'The stored file is damaged, or no key of the server decrypts its secrets.',
    },
  })
  update(@Body() request: SettingsUpdateRequestDto): Promise<JsonObject> {
    const { agent_settings_diff: agent, conversation_settings_diff, misc_settings_diff } = request;
    const diffs = [agent, conversation_settings_diff, misc_settings_diff];
    const { active_profile, active_agent_profile_id, active_meta_profile } = request;
    const active = [active_profile, active_agent_profile_id, active_meta_profile];
    if (diffs.every((diff) => diff === null) && active.every((name) => name === undefined)) {
      throw new BadRequestException(
        'At least one of agent_settings_diff, conversation_settings_diff, misc_settings_diff, active_profile, ' +
          'active_agent_profile_id, or active_meta_profile must be provided',
      );
    }
    return this.service.update(request);
  }

  @Get('agent-schema')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Get the form schema of the agent settings',
    description: 'Sections and fields with labels, defaults and choices, from which clients render a form.',
    answers: schema,
  })
  agentSchema(): SettingsSchema {
    return agentSchema();
  }

  @Get('conversation-schema')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Get the form schema of the conversation settings',
    description: 'Sections and fields with labels, defaults and choices, from which clients render a form.',
    answers: schema,
  })
  conversationSchema(): SettingsSchema {
    return conversationSchema();
  }

  @Post('mcp/:settings_key')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Add an MCP server',
    description: 'Agents of new conversations use it, unless it is disabled.',
    path: { settings_key: { type: 'string', description: 'Name of the MCP server in the settings.' } },
    body: {
      schema: McpServerDto,
      example: { command: 'node', args: ['workspace/examples/clock.mjs'] },
      after: ['Bash_execute#mcp-server'],
    },
    answers: { 201: settings },
    errors: { 409: 'There is a server with this name, or the stored file cannot be read.' },
  })
  addServer(@Param('settings_key') key: string, @Body() server: McpServerDto): Promise<JsonObject> {
    return this.service.addMcpServer(key, asJsonObject(toPlain(server)));
  }

  @Patch('mcp/:settings_key')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Update an MCP server',
    path: { settings_key: { type: 'string', description: 'Name of the MCP server in the settings.' } },
    description: 'Missing fields are kept; null removes a field.',
    body: {
      schema: McpServerPatchDto,
      example: { enabled: false },
      after: ['Bash_execute#mcp-server', 'Settings_addServer'],
    },
    answers: { 200: settings },
    errors: {
      404: 'There is no server with this name.',
      409: 'The stored file is damaged, or no key of the server decrypts its secrets.',
    },
  })
  changeServer(@Param('settings_key') key: string, @Body() changes: McpServerPatchDto): Promise<JsonObject> {
    return this.service.changeMcpServer(key, asJsonObject(toPlain(changes)));
  }

  @Delete('mcp/:settings_key')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Remove an MCP server',
    description: 'New conversations do not get it any more.',
    path: { settings_key: { type: 'string', description: 'Name of the MCP server in the settings.' } },
    answers: { 200: settings },
    errors: {
      404: 'There is no server with this name.',
      409: 'The stored file is damaged, or no key of the server decrypts its secrets.',
    },
  })
  removeServer(@Param('settings_key') key: string): Promise<JsonObject> {
    return this.service.changeMcpServer(key, null);
  }
}
