import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Param,
  Patch,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import type { Response as HttpResponse } from 'express';
import { CurrentPrincipal, type Principal, Scope } from '../../auth/index.js';
import { documentSchemas, Operation, parseUuid } from '../../http/index.js';
import { ConflictError, InvalidRequestError } from '../../errors/index.js';
import type { JsonObject } from '../../json/index.js';
import { AutomationStore, isOpenRun } from '../../storage/index.js';
import { AutomationNotFoundError, runNotFound } from '../automation-errors.js';
import type { Automation } from '../definitions/automation.js';
import { AutomationsService } from '../definitions/automations.service.js';
import { toRun } from '../runs/automation-run.js';
import { RunCancellation } from '../runs/run-cancellation.js';
import { RunRequests } from '../runs/run-requests.js';
import { Scheduler } from '../schedule/scheduler.js';
import { automationAnswer, runAnswer, runsAnswer } from './automation-answers.js';
import { exportArchive } from './automation-export.js';
import {
  PageQueryDto,
  PluginPresetDto,
  PromptPresetDto,
  RunsQueryDto,
  UpdateAutomationDto,
} from './automation.dto.js';

documentSchemas(async () => (await import('./automation-schemas.js')).automationSchemas());

const tag = 'Automations';
const ID = {
  automation_id: { type: 'string', format: 'uuid', description: 'A UUID, as in the `id` of its automation.' },
};
const UNKNOWN = { 404: 'No automation has this id, or it belongs to another key.' };
const CREATION_ERRORS = {
  429: 'There are as many automations as there may be.',
  501: 'Conversations of this server live in containers, where automations cannot start any.',
};
const EXAMPLE = {
  name: 'Morning digest',
  prompt: 'Summarise what has changed since yesterday.',
  trigger: { type: 'cron', schedule: '0 9 * * 1-5', timezone: 'Europe/Berlin' },
};

/** Automations: conversations that start by a schedule, an event, after others, or by hand. */
@Controller('api/automation/v1')
@Scope('write', { own: true })
export class AutomationsController {
  constructor(
    private readonly automations: AutomationsService,
    private readonly store: AutomationStore,
    private readonly requests: RunRequests,
    private readonly cancellation: RunCancellation,
    private readonly scheduler: Scheduler,
  ) {}

  @Get()
  @Scope('read', { own: true })
  @Header('Cache-Control', 'no-store')
  @Operation({
    tag,
    summary: 'List automations',
    description: 'The newest first. A key of its own sees those that it has made.',
    query: PageQueryDto,
    answers: { 200: { description: 'A part of the automations.', schema: 'AutomationList' } },
  })
  async list(
    @Query() { limit, offset }: PageQueryDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<JsonObject> {
    const all = await this.automations.list(principal);
    return {
      automations: all.slice(offset, offset + limit).map((one) => this.shown(one)),
      total: all.length,
    };
  }

  @Post('preset/prompt')
  @Operation({
    tag,
    summary: 'Create an automation from a prompt',
    description: 'Each run is a new conversation with this prompt. A `template` is used once: see there.',
    body: { schema: PromptPresetDto, example: EXAMPLE },
    answers: {
      201: {
        description: 'The new automation.',
        schema: 'Automation',
        links: {
          change: {
            operationId: 'Automations_update',
            parameters: { automation_id: '$response.body#/id' },
          },
        },
      },
      200: {
        description: 'The automation that was made from this template before, unchanged.',
        schema: 'Automation',
      },
    },
    errors: CREATION_ERRORS,
  })
  createFromPrompt(
    @Body() body: PromptPresetDto,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<JsonObject> {
    return this.create(body, principal, response);
  }

  @Post('preset/plugin')
  @Operation({
    tag,
    summary: 'Create an automation from plugins',
    description:
      'As from a prompt; the conversation of each run loads the plugins, or those of one of the variants.',
    body: {
      schema: PluginPresetDto,
      example: { ...EXAMPLE, plugins: [{ source: 'github:OpenHands/extensions' }] },
    },
    answers: {
      201: { description: 'The new automation.', schema: 'Automation' },
      200: {
        description: 'The automation that was made from this template before, unchanged.',
        schema: 'Automation',
      },
    },
    errors: CREATION_ERRORS,
  })
  createFromPlugins(
    @Body() body: PluginPresetDto,
    @CurrentPrincipal() principal: Principal,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<JsonObject> {
    return this.create(body, principal, response);
  }

  @Post('runs/:run_id/cancel')
  @HttpCode(200)
  @Operation({
    tag,
    summary: 'Cancel a run',
    description: 'Stops its agent in the middle of its step. Answers when it has stopped.',
    path: {
      run_id: { type: 'string', format: 'uuid', description: 'A UUID, as in the `id` of one of the runs.' },
    },
    answers: { 200: { description: 'The run with its last status.', schema: 'AutomationRun' } },
    errors: { 404: 'No run has this id, or it belongs to another key.', 409: 'The run is over.' },
  })
  async cancel(
    @Param('run_id') runId: string,
    @CurrentPrincipal() principal: Principal,
  ): Promise<JsonObject> {
    const id = uuidOf(runId, 'run_id');
    const run = await this.store.run(id);
    // As for an unknown one, also if the automation was deleted.
    const automation = run && (await this.automations.get(run.automation_id, principal).catch(unknownRun));
    if (!run || !automation) throw runNotFound();
    if (!isOpenRun(run)) throw new ConflictError(`The run is ${run.status} already`);
    return runAnswer(await this.cancellation.cancel(toRun(run)));
  }

  @Get(':automation_id')
  @Scope('read', { own: true })
  @Header('Cache-Control', 'no-store')
  @Operation({
    tag,
    summary: 'Get an automation',
    description: 'What it does, when it is due next, and whether it was switched off.',
    path: ID,
    answers: { 200: { description: 'The automation.', schema: 'Automation' } },
    errors: UNKNOWN,
  })
  async get(
    @Param('automation_id') id: string,
    @CurrentPrincipal() principal: Principal,
  ): Promise<JsonObject> {
    return this.shown(await this.automations.get(uuidOf(id), principal));
  }

  @Patch(':automation_id')
  @Operation({
    tag,
    summary: 'Change an automation',
    description:
      'Fields that are missing stay as they are. An active run goes on as it was started. Runs that wait are skipped when ' +
      'it is switched off.',
    path: ID,
    body: {
      schema: UpdateAutomationDto,
      example: { enabled: false },
      after: ['Automations_createFromPrompt'],
    },
    answers: { 200: { description: 'The automation.', schema: 'Automation' } },
    errors: UNKNOWN,
  })
  async update(
    @Param('automation_id') id: string,
    @Body() body: UpdateAutomationDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<JsonObject> {
    return this.shown(await this.automations.update(uuidOf(id), body, principal));
  }

  @Delete(':automation_id')
  @HttpCode(204)
  @Operation({
    tag,
    summary: 'Delete an automation',
    description: 'Runs that wait are skipped; an active one goes on. The conversations of its runs stay.',
    path: ID,
    answers: { 204: { description: 'It is deleted.' } },
    errors: UNKNOWN,
  })
  remove(@Param('automation_id') id: string, @CurrentPrincipal() principal: Principal): Promise<void> {
    return this.automations.remove(uuidOf(id), principal);
  }

  @Post(':automation_id/dispatch')
  @Operation({
    tag,
    summary: 'Run an automation now',
    description:
      'Does not change when it is due by its schedule. The run waits while another one of it is active.',
    path: ID,
    answers: { 201: { description: 'The run, which waits for its start.', schema: 'AutomationRun' } },
    errors: { ...UNKNOWN, 409: 'It is switched off.', 429: 'Too many of its runs wait already.' },
  })
  async dispatch(
    @Param('automation_id') id: string,
    @CurrentPrincipal() principal: Principal,
  ): Promise<JsonObject> {
    const automation = await this.automations.get(uuidOf(id), principal);
    const requested = await this.requests.request(automation.id, { trigger_source: 'manual' });
    if (!requested) throw new AutomationNotFoundError();
    return runAnswer(requested.run);
  }

  @Get(':automation_id/runs')
  @Scope('read', { own: true })
  @Header('Cache-Control', 'no-store')
  @Operation({
    tag,
    summary: 'List the runs of an automation',
    description:
      'The newest first. The counts are of all runs that there ever were; the last 1,000 are kept.',
    path: ID,
    query: RunsQueryDto,
    answers: { 200: { description: 'A part of the runs.', schema: 'AutomationRunList' } },
    errors: UNKNOWN,
  })
  async runs(
    @Param('automation_id') id: string,
    @Query() { limit, offset }: RunsQueryDto,
    @CurrentPrincipal() principal: Principal,
  ): Promise<JsonObject> {
    const automation = await this.automations.get(uuidOf(id), principal);
    const page = await this.store.runs(automation.id, offset, limit);
    if (!page) throw new AutomationNotFoundError();
    return runsAnswer(page);
  }

  @Get(':automation_id/tarball')
  @Scope('read', { own: true })
  @Operation({
    tag,
    summary: 'Download an automation',
    description: 'An archive with the file that the web UI imports, and the prompt.',
    path: ID,
    answers: {
      200: {
        description: 'A tar archive.',
        mediaType: 'application/x-tar',
        schema: { type: 'string', format: 'binary' },
      },
    },
    errors: UNKNOWN,
  })
  async tarball(
    @Param('automation_id') id: string,
    @CurrentPrincipal() principal: Principal,
    @Res() response: HttpResponse,
  ): Promise<void> {
    const archive = await exportArchive(await this.automations.get(uuidOf(id), principal));
    response.setHeader('Content-Type', 'application/x-tar');
    response.setHeader('Content-Disposition', `attachment; filename="automation.tar"`);
    response.end(archive);
  }

  @Post('runs/:run_id/complete')
  @Operation({
    tag,
    summary: 'Report the end of a script (unsupported)',
    description: 'Runs here are conversations, whose end the server sees itself.',
    path: {
      run_id: { type: 'string', format: 'uuid', description: 'A UUID, as in the `id` of one of the runs.' },
    },
    answers: { 200: { description: 'Never answered by this server.' } },
    errors: { 409: 'No run of this server is a script.' },
  })
  complete(@Param('run_id') runId: string): never {
    uuidOf(runId, 'run_id');
    throw new ConflictError('The run is a conversation of this server, which sees its end itself');
  }

  private async create(
    body: PromptPresetDto | PluginPresetDto,
    principal: Principal,
    response: HttpResponse,
  ): Promise<JsonObject> {
    const { automation, created } = await this.automations.create(body, principal);
    response.status(created ? 201 : 200);
    return this.shown(automation);
  }

  private shown(automation: Automation): JsonObject {
    return automationAnswer(automation, this.scheduler.nextOf(automation));
  }
}

/** @throws InvalidRequestError for anything but a UUID */
function uuidOf(text: string, parameter = 'automation_id'): string {
  const parsed = parseUuid(text);
  if ('id' in parsed) return parsed.id;
  throw new InvalidRequestError(['path', parameter], `Input should be a valid UUID, ${parsed.error}`);
}

function unknownRun(error: unknown): undefined {
  if (error instanceof AutomationNotFoundError) return undefined;
  throw error;
}
