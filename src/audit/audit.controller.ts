import { Controller, Get, Header, Query } from '@nestjs/common';
import { Scope } from '../auth/index.js';
import { utcFromLocal } from '../events/index.js';
import { documentSchemas, Operation } from '../http/index.js';
import { AuditLog } from '../storage/index.js';
import { AuditQueryDto } from './audit.dto.js';
import type { AuditAnswer } from './audit-schemas.js';

documentSchemas(async () => (await import('./audit-schemas.js')).auditSchemas());

/** The audit log, for administrators. */
@Controller('api/audit')
@Scope('admin')
export class AuditController {
  constructor(private readonly log: AuditLog) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @Operation({
    tag: 'Server Details',
    summary: 'List who has changed what',
    description:
      'The entries of the audit log, newest first: each operation that changes something, and each key that was refused, ' +
      'with the key, the address of the client and the outcome. They contain no secrets, no texts of messages and no bodies. ' +
      'A request appears when it is answered, within a second. A page may be short, or empty, although older entries match: ' +
      'read on while `next_page_id` is not null.',
    query: AuditQueryDto,
    values: { outcome: 'refused', operation: 'Conversations', limit: '20' },
    answers: {
      200: {
        description: 'A page of entries.',
        schema: 'AuditPage',
      },
    },
  })
  async list(@Query() query: AuditQueryDto): Promise<AuditAnswer> {
    const { items, nextPageId } = await this.log.page({
      key: query.key ?? undefined,
      operation: query.operation ?? undefined,
      conversationId: query.conversation_id ?? undefined,
      outcome: query.outcome ?? undefined,
      from: utcOf(query.from),
      before: utcOf(query.before),
      pageId: query.page_id ?? undefined,
      limit: query.limit,
    });
    return { items, next_page_id: nextPageId };
  }
}

/** In the format of the times of entries. */
function utcOf(local: string | null): string | undefined {
  return local === null ? undefined : `${utcFromLocal(local).slice(0, 23)}Z`;
}
