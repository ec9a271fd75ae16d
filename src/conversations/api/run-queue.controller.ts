import { Controller, Delete, Get, Header, Param } from '@nestjs/common';
import { CurrentPrincipal, type Principal, Scope } from '../../auth/index.js';
import { ConversationIdPipe, Operation } from '../../http/index.js';
import { NotQueuedError } from '../conversation-errors.js';
import { ConversationsService } from '../conversations.service.js';
import { ownerFilter } from '../owners/ownership.js';
import type { QueuePlace } from '../runs/queue/queued-run.js';
import { RunQueue } from '../runs/queue/run-queue.js';
import { DONE, SUCCESS } from './answers.js';

const tag = 'Conversations';
/** Runs that a list shows. */
const MAX_LISTED = 1_000;

/** Runs that wait for a free slot. */
@Controller('api')
export class RunQueueController {
  constructor(
    private readonly queue: RunQueue,
    private readonly conversations: ConversationsService,
  ) {}

  @Get('run_queue')
  @Scope('read', { own: true })
  @Header('Cache-Control', 'no-store')
  @Operation({
    tag,
    summary: 'List the runs that wait',
    description:
      'In the order in which they start. Keys take turns; among the runs of a key a higher priority comes first, then the ' +
      `older one. A key with reach \`own\` sees its own. At most ${MAX_LISTED} are listed.`,
    answers: { 200: { description: 'The runs that wait.', schema: 'RunQueue' } },
  })
  async list(@CurrentPrincipal() principal: Principal): Promise<{ items: QueuePlace[]; total: number }> {
    const owner = ownerFilter(principal);
    const all = (await this.queue.list()).filter((run) => owner === undefined || run.owner_key === owner);
    const items = all.slice(0, MAX_LISTED).map(({ owner_key: _owner, ...place }) => place);
    return { items, total: all.length };
  }

  @Get('conversations/:conversation_id/queued_run')
  @Scope('read', { own: true })
  @Header('Cache-Control', 'no-store')
  @Operation({
    tag,
    summary: 'Get the place of a run that waits',
    description: 'When and with which priority its run was requested, and how many start before it.',
    answers: { 200: { description: 'The place of the run, and what it waits for.', schema: 'QueuedRun' } },
    errors: { 404: 'No such conversation, or no run of it waits.' },
  })
  async get(@Param('conversation_id', ConversationIdPipe) id: string): Promise<QueuePlace> {
    const place = (await this.conversations.open(id)).starter.place;
    if (!place) throw new NotQueuedError();
    return place;
  }

  @Delete('conversations/:conversation_id/queued_run')
  @Scope('write', { own: true })
  @Operation({
    tag,
    summary: 'Cancel a run that waits',
    description:
      'Its message stays in the conversation. Pausing the conversation cancels the run, too, and changes the status.',
    answers: DONE,
    errors: { 404: 'No such conversation, or no run of it waits.' },
  })
  async cancel(@Param('conversation_id', ConversationIdPipe) id: string): Promise<typeof SUCCESS> {
    if (!(await (await this.conversations.open(id)).cancelQueuedRun())) throw new NotQueuedError();
    return SUCCESS;
  }
}
