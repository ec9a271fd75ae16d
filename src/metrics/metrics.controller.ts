import { Controller, Get, Header } from '@nestjs/common';
import { Scope, SESSION } from '../auth/index.js';
import { AuditTrail } from '../audit/index.js';
import { AppConfig } from '../config/index.js';
import { ConversationsService, RunQueue, RunSlots } from '../conversations/index.js';
import { Operation } from '../http/index.js';
import { diskSpace } from '../files/index.js';
import { KeyLimiter } from '../limits/index.js';
import { RpcConversations } from '../rpc/index.js';
import { EventLoopDelay } from '../server/index.js';
import { EventStreams, SocketConnections } from '../sockets/index.js';
import { SearchService, WatchService } from '../workspace/index.js';
import { TerminalsService } from '../terminals/index.js';
import { WebhooksService } from '../webhooks/index.js';
import { EXPOSITION_TYPE, exposition } from './exposition.js';

/** Metrics of the server. Needs a key: the metrics reveal how much the server is used. */
@Controller()
export class MetricsController {
  constructor(
    private readonly conversations: ConversationsService,
    private readonly slots: RunSlots,
    private readonly queue: RunQueue,
    private readonly sockets: SocketConnections,
    private readonly streams: EventStreams,
    private readonly webhooks: WebhooksService,
    private readonly loop: EventLoopDelay,
    private readonly config: AppConfig,
    private readonly trail: AuditTrail,
    private readonly limiter: KeyLimiter,
    private readonly watches: WatchService,
    private readonly searches: SearchService,
    private readonly terminals: TerminalsService,
    private readonly rpc: RpcConversations,
  ) {}

  @Get('metrics')
  @Scope('read')
  @Header('Content-Type', EXPOSITION_TYPE)
  @Operation({
    tag: 'Server Details',
    summary: 'Get metrics in the Prometheus format',
    description:
      'For Prometheus and programs that read its text format. Needs a session key, because metrics reveal how ' +
      'the server is used.',
    answers: {
      200: {
        description:
          'Metrics of CPU, memory, disk, event loop, conversations, runs, sockets, calls of other agents, terminals, watched folders, searches, logs, models, webhooks, the audit log and the limits of keys.',
        schema: { type: 'string' },
        mediaType: 'text/plain',
      },
    },
  })
  async metrics(): Promise<string> {
    // Loaded on the first request, so that the start does not take longer.
    const { processMetrics } = await import('./process-metrics.js');
    const { serverMetrics } = await import('./server-metrics.js');
    const { running, limit, refused } = this.slots;
    const facts = {
      conversations: { known: await this.stored(), open: this.conversations.openCount },
      runs: { running, limit, refused, queued: this.queue.size, waits: this.queue.waits },
      sockets: this.sockets.size,
      streams: this.streams.size,
      rpcWaits: this.rpc.waits,
      watches: this.watches.counts,
      searches: this.searches.size,
      terminals: this.terminals.counts,
      webhooks: this.webhooks.localStatus(),
      disk: await diskSpace(this.config.paths.conversations),
      auditBacklog: this.trail.backlog,
      limits: this.limiter.refused,
    };
    return exposition([...(await processMetrics(this.loop.recent())), ...serverMetrics(facts)]);
  }

  /** The other metrics are needed most while the storage does not answer. */
  private async stored(): Promise<number | undefined> {
    return this.conversations.count(undefined, SESSION).catch(() => undefined);
  }
}
