import { Body, Controller, Get, HttpCode, Param, Post, Req } from '@nestjs/common';
import type { Request as HttpRequest } from 'express';
import { Scope } from '../auth/index.js';
import { type JsonSchema, Operation, RequestValidationError, valueError } from '../http/index.js';
import { isJsonObject } from '../json/index.js';
import type { OAuthStartResponse, OAuthStatusResponse, McpTestResponse } from './mcp-responses.js';
import { MCPOAuthCallbackRequestDto, MCPTestRequestDto } from './mcp-test.dto.js';
import { McpService } from './mcp.service.js';

const tag = 'MCP';
const status = { description: 'The status of the sign-in.', schema: 'MCPOAuthStatusResponse' };
const SIGN_IN_NEEDS = 'Needs an MCP server with OAuth at the address in the example.';
const CALLBACK = {
  callback: { operationId: 'Mcp_callback', parameters: { job_id: '$response.body#/job_id' } },
};
const SUCCESS = '#/components/schemas/MCPTestSuccess';
const FAILURE = '#/components/schemas/MCPTestFailure';
const TEST_RESPONSE: JsonSchema = {
  oneOf: [{ $ref: SUCCESS }, { $ref: FAILURE }],
  discriminator: {
    propertyName: 'ok',
    mapping: {
      true: SUCCESS,
      false: FAILURE,
    },
  },
};

/** Tests MCP servers and handles sign-ins. */
@Controller('api/mcp')
export class McpController {
  constructor(private readonly service: McpService) {}

  @Post('test')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Test an MCP server',
    description:
      'Connects, lists the tools and optionally calls one. A local program is started and ended for the test.',
    body: {
      schema: MCPTestRequestDto,
      example: {
        server: { type: 'stdio', command: 'node', args: ['workspace/examples/clock.mjs'] },
        tool_call: { name: 'now', arguments: {} },
      },
      after: ['Bash_execute#mcp-server'],
    },
    answers: { 200: { description: 'The tools of the server, or the error.', schema: TEST_RESPONSE } },
    errors: { 429: 'Too many tests and sign-ins are active.' },
  })
  test(@Body() request: MCPTestRequestDto, @Req() { body }: HttpRequest): Promise<McpTestResponse> {
    rejectMisplacedAuthentication(body);
    return this.service.test(request);
  }

  @Post('oauth/start')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Start a sign-in at an MCP server',
    description: 'Returns the URL where the user signs in. Nothing is stored.',
    body: {
      schema: MCPTestRequestDto,
      example: { server: { type: 'http', url: 'https://mcp.example.com/mcp', auth: { strategy: 'oauth2' } } },
      needs: SIGN_IN_NEEDS,
    },
    answers: {
      200: {
        description: 'The authorization URL, or the error.',
        schema: 'MCPOAuthStartResponse',
        links: CALLBACK,
      },
    },
    errors: { 429: 'Too many tests and sign-ins are active.' },
  })
  start(@Body() request: MCPTestRequestDto, @Req() { body }: HttpRequest): Promise<OAuthStartResponse> {
    rejectMisplacedAuthentication(body);
    return this.service.start(request);
  }

  @Get('oauth/status/:job_id')
  @Scope('admin')
  @Operation({
    tag,
    summary: 'Get the status of a sign-in at an MCP server',
    description: 'For clients that wait until the user has signed in.',
    path: { job_id: { type: 'string', description: 'Id of the sign-in that `oauth/start` returned.' } },
    answers: { 200: status },
    errors: { 404: 'There is no sign-in with this id; it may have expired.' },
  })
  status(@Param('job_id') id: string): Promise<OAuthStatusResponse> {
    return this.service.status(id);
  }

  @Post('oauth/callback/:job_id')
  @Scope('admin')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Complete a sign-in with the callback URL',
    path: { job_id: { type: 'string', description: 'Id of the sign-in that `oauth/start` returned.' } },
    description: 'Needed when the browser runs on another machine than this server.',
    body: {
      schema: MCPOAuthCallbackRequestDto,
      example: { callback_url: 'http://localhost:1455/callback?code=the-code&state=the-state' },
      after: ['Mcp_start'],
      needs: 'Needs the URL that the browser shows after the sign-in.',
    },
    answers: { 200: status },
    errors: {
      404: 'There is no sign-in with this id; it may have expired.',
      409: 'The sign-in does not wait for a callback.',
    },
  })
  callback(
    @Param('job_id') id: string,
    @Body() { callback_url }: MCPOAuthCallbackRequestDto,
  ): Promise<OAuthStatusResponse> {
    return this.service.callback(id, callback_url);
  }
}

/** @throws RequestValidationError for a misplaced field that would be ignored */
function rejectMisplacedAuthentication(body: unknown): void {
  const server = isJsonObject(body) ? body['server'] : undefined;
  if (!isJsonObject(server) || !Object.hasOwn(server, 'authentication')) return;
  const text = 'OAuth authentication metadata belongs under auth.authentication.';
  throw new RequestValidationError([valueError(text, ['body'])], { body });
}
