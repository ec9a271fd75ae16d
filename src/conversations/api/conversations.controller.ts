import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  Headers,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import type { Response as HttpResponse } from 'express';
import { CurrentPrincipal, type Principal, Scope } from '../../auth/index.js';
import {
  ConversationIdPipe,
  Operation,
  documentSchemas,
  nameConversation,
  type AnswerSource,
} from '../../http/index.js';
import type { JsonObject } from '../../json/index.js';
import { DONE, RUN_LIMIT, RUN_STARTED, startedRun, SUCCESS } from './answers.js';
import { ConversationsService } from '../conversations.service.js';
import { IDEMPOTENCY_HEADER, conversationIdFor, readIdempotencyKey } from './headers/idempotency-key.js';
import { OBSERVABILITY_HEADERS, withObservabilityHeaders } from './headers/observability-headers.js';
import {
  ConversationBatchQueryDto,
  ConversationCountQueryDto,
  ConversationSearchQueryDto,
  ConversationViewQueryDto,
  RunRequestQueryDto,
  StartConversationQueryDto,
  toRunRequest,
} from './dto/queries.dto.js';
import { StartConversationRequestDto } from './dto/start-conversation.dto.js';
import { OTHER_STARTS, START_EXAMPLE } from './examples.js';
import { requestedLlmProfile, requestedProfile, toStartRequest } from './dto/to-start-request.js';
import { ownerFilter } from '../owners/ownership.js';
import { Tenancy } from '../owners/tenancy.js';
import type { FinalResponse } from '../queries/final-response.js';
import { listJson, pageJson } from '../queries/json-page.js';
import {
  LaunchProfiles,
  profileLaunchedOutside,
  withAdditions,
  type LaunchedProfile,
} from '../profiles/launch-profiles.js';
import { UpdateConversationRequestDto } from './dto/update-conversation.dto.js';

const tag = 'Conversations';

documentSchemas(async () => (await import('./schemas/run-queue-schemas.js')).runQueueSchemas());
documentSchemas(async () => (await import('./schemas/conversation-schemas.js')).conversationSchemas());

/** Conversations over REST: under `/api` and, for clients of the first version, without a prefix. */
@Controller(['api/conversations', 'conversations'])
export class ConversationsController {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly profiles: LaunchProfiles,
    private readonly tenancy: Tenancy,
  ) {}

  @Get('search')
  @Scope('read', { own: true })
  @Header('Content-Type', 'application/json')
  @Operation({
    tag,
    summary: 'List conversations',
    description: 'Lists the conversations of this server, a page at a time.',
    query: ConversationSearchQueryDto,
    answers: { 200: { description: 'A page of conversations.', schema: 'ConversationPage' } },
  })
  async search(
    @Query() query: ConversationSearchQueryDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<Buffer | AnswerSource> {
    const wanted = {
      pageId: query.page_id ?? undefined,
      limit: query.limit,
      status: query.status ?? undefined,
      sortOrder: query.sort_order,
      includeSkills: query.include_skills,
    };
    return pageJson(await this.conversations.search(wanted, principal));
  }

  @Get('count')
  @Scope('read', { own: true })
  @Header('Content-Type', 'application/json')
  @Operation({
    tag,
    summary: 'Count conversations',
    description: 'Counts all conversations of this server, or those with one execution status.',
    query: ConversationCountQueryDto,
    answers: { 200: { description: 'The number of conversations.', schema: { type: 'integer' } } },
  })
  async count(
    @Query() { status }: ConversationCountQueryDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<string> {
    return JSON.stringify(await this.conversations.count(status ?? undefined, principal));
  }

  @Get()
  @Scope('read', { own: true })
  @Header('Content-Type', 'application/json')
  @Operation({
    tag,
    summary: 'Get several conversations',
    description: 'For clients that show some known conversations.',
    query: ConversationBatchQueryDto,
    answers: {
      200: {
        description: 'The conversations in the order of the ids; null for unknown ids.',
        schema: {
          type: 'array',
          items: { anyOf: [{ $ref: '#/components/schemas/ConversationInfo' }, { type: 'null' }] },
        },
      },
    },
  })
  async batch(
    @Query() query: ConversationBatchQueryDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<Buffer | AnswerSource> {
    return listJson(await this.conversations.batch(query.ids, query.include_skills, principal));
  }

  /** Nothing to do: acknowledged events are on disk, and a frozen process continues where it stopped. */
  @Post('prepare-for-sandbox-pause')
  @Scope('admin')
  @HttpCode(204)
  @Operation({
    tag,
    hidden: true,
    summary: 'Prepare for a pause of the sandbox',
    description:
      'Does nothing: acknowledged events are on disk, and a frozen process continues where it stopped.',
    answers: { 204: { description: 'Ready to be paused.' } },
  })
  prepareForSandboxPause(): void {
    return;
  }

  @Post()
  @Scope('write', { own: true })
  @Operation({
    tag,
    summary: 'Start a conversation',
    description:
      'Needs an agent (`agent`, `agent_settings` or `agent_profile_id`) and a workspace. An initial message starts a ' +
      'run at once. Models named `scripted/...` execute the steps in the message, so the example runs without an API ' +
      'key. It has a `conversation_id`, so that the other examples find it; without one each request starts another ' +
      'conversation.',
    query: StartConversationQueryDto,
    headers: { ...OBSERVABILITY_HEADERS, ...IDEMPOTENCY_HEADER },
    body: {
      schema: StartConversationRequestDto,
      example: START_EXAMPLE,
      otherExamples: OTHER_STARTS,
      large: true,
    },
    answers: {
      200: {
        description: 'The existing conversation with this id, unchanged.',
        schema: 'ConversationInfo',
      },
      201: { description: 'The new conversation.', schema: 'ConversationInfo' },
    },
    errors: {
      404: 'The agent profile or the LLM profile does not exist.',
      429: RUN_LIMIT,
      422: 'A tool is unknown, the agent is missing, or a profile refers to something that does not exist.',
    },
  })
  async create(
    @Body() body: StartConversationRequestDto,
    @Query() query: StartConversationQueryDto,
    @Headers() headers: IncomingHttpHeaders,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<JsonObject> {
    const key = readIdempotencyKey(headers['idempotency-key']?.toString());
    const isDerived = key !== undefined && body.conversation_id === null;
    if (isDerived) body.conversation_id = conversationIdFor(key, ownerFilter(principal));
    const profile = requestedProfile(body);
    const llmProfile = requestedLlmProfile(body);
    const llmProfiles = [llmProfile, body.title_llm_profile, body.agent_launch_additions?.llm_profile_ref];
    this.tenancy.assertMayUse({ agentProfile: profile, llmProfiles }, principal);
    const launched = profile === null ? undefined : await this.loadProfile(profile, body);
    const llm = llmProfile === null ? undefined : await this.profiles.loadLlm(llmProfile);
    const request = toStartRequest(withObservabilityHeaders(body, headers), launched, llm);
    request.launched_agent_profile ??= profileLaunchedOutside(process.env);
    const { info, created } = await this.conversations.create(
      request,
      query.include_skills,
      principal,
      isDerived,
      toRunRequest(query),
    );
    response.status(created ? 201 : 200);
    nameConversation(response.req, String(info['id']));
    return info;
  }

  @Get(':conversation_id')
  @Scope('read', { own: true })
  @Header('Content-Type', 'application/json')
  @Operation({
    tag,
    summary: 'Get a conversation',
    description: 'Includes agent, state, statistics and the settings of the start. Secrets are masked.',
    query: ConversationViewQueryDto,
    answers: { 200: { description: 'The conversation.', schema: 'ConversationInfo' } },
  })
  get(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Query() query: ConversationViewQueryDto,
  ): Promise<Buffer> {
    return this.conversations.infoJson(id, query.include_skills);
  }

  @Patch(':conversation_id')
  @Scope('write', { own: true })
  @Operation({
    tag,
    summary: 'Update title, tags or budget',
    description: 'Fields that are missing are not changed. Possible at any time, also during a run.',
    body: {
      schema: UpdateConversationRequestDto,
      example: { title: 'Say hello', tags: { team: 'docs' }, max_budget_per_run: 1.5 },
    },
    answers: DONE,
  })
  async update(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Body() { title, tags, max_budget_per_run }: UpdateConversationRequestDto,
  ): Promise<typeof SUCCESS> {
    await this.conversations.update(id, {
      ...(title !== null && { title: title.trim() }),
      ...(tags !== null && { tags }),
      ...(max_budget_per_run !== undefined && { max_budget_per_run }),
    });
    return SUCCESS;
  }

  @Delete(':conversation_id')
  @Scope('write', { own: true })
  @Operation({
    tag,
    summary: 'Delete a conversation',
    description: 'Stops its run and all processes of its shell. Files in its workspace are kept.',
    answers: DONE,
  })
  async delete(@Param('conversation_id', ConversationIdPipe) id: string): Promise<typeof SUCCESS> {
    await this.conversations.delete(id);
    return SUCCESS;
  }

  @Post(':conversation_id/run')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Start a run',
    description:
      'Lets the agent work on what is in the conversation, until it finishes, waits for a confirmation or is ' +
      'paused.',
    query: RunRequestQueryDto,
    answers: RUN_STARTED,
    errors: {
      409: 'A run or a goal is active already.',
      429: RUN_LIMIT,
    },
  })
  async run(
    @Param('conversation_id', ConversationIdPipe) id: string,
    @Query() query: RunRequestQueryDto,
  ): Promise<JsonObject> {
    return startedRun(await this.conversations.run(id, toRunRequest(query)));
  }

  @Post(':conversation_id/pause')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Pause after the current step',
    description:
      'The run ends when the current step is done, or at once while it waits for the model; it can be started again. Also stops a goal.',
    answers: DONE,
  })
  async pause(@Param('conversation_id', ConversationIdPipe) id: string): Promise<typeof SUCCESS> {
    await this.conversations.pause(id);
    return SUCCESS;
  }

  @Post(':conversation_id/interrupt')
  @Scope('write', { own: true })
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Interrupt the current step',
    description:
      'Stops model calls and commands at once and ends the run; it can be started again. Without a run it is a ' +
      'pause.',
    answers: DONE,
  })
  async interrupt(@Param('conversation_id', ConversationIdPipe) id: string): Promise<typeof SUCCESS> {
    await this.conversations.interrupt(id);
    return SUCCESS;
  }

  @Get(':conversation_id/agent_final_response')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: "Get the agent's final response",
    description:
      'The text of the last `finish` call or message of the agent. If `finish` has a `response_schema`, the ' +
      'object that the agent answered with is in `structured_output`.',
    answers: {
      200: { description: 'The final response; empty if there is none yet.', schema: 'AgentResponseResult' },
    },
  })
  finalResponse(@Param('conversation_id', ConversationIdPipe) id: string): Promise<FinalResponse> {
    return this.conversations.finalResponse(id);
  }

  private async loadProfile(
    profile: string,
    { agent_launch_additions: additions }: StartConversationRequestDto,
  ): Promise<LaunchedProfile> {
    const launched = await this.profiles.load(profile, additions?.llm_profile_ref ?? undefined);
    return additions ? withAdditions(launched, additions) : launched;
  }
}
