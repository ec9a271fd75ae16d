import { Controller, Get, Header, Headers, Query, Res } from '@nestjs/common';
import type { Response as HttpResponse } from 'express';
import { CurrentPrincipal, type Principal, Scope } from '../auth/index.js';
import { documentSchemas, Operation } from '../http/index.js';
import { usageCsv } from './usage-csv.js';
import { UsageQueryDto } from './usage-query.dto.js';
import { UsageService, type UsageAnswer } from './usage.service.js';

documentSchemas(async () => (await import('./usage-schemas.js')).usageSchemas());

const CSV = 'text/csv';

/** What models have cost. */
@Controller('api/usage')
export class UsageController {
  constructor(private readonly usage: UsageService) {}

  @Get()
  @Scope('read', { own: true })
  @Header('Cache-Control', 'no-store')
  @Operation({
    tag: 'Usage',
    summary: 'Sum up what models have cost',
    description:
      'Calls of models with their tokens and costs, by day, model, provider, key, conversation, usage id or tag. Each ' +
      'call counts once: those of agents, sub-agents, condensers, titles, questions and the gateway, also of ' +
      'conversations that were deleted since; what a fork has copied counts for its source. A key of the reach `own` ' +
      'sees what its own conversations have cost. With `Accept: text/csv` or `format=csv` the groups are CSV; texts ' +
      'that a spreadsheet would take for a formula begin with an apostrophe.',
    query: UsageQueryDto,
    values: { group_by: 'day,model', time_zone: 'Europe/Berlin', limit: '100' },
    answers: {
      200: {
        description: 'The sums of the groups, and of all calls that match.',
        schema: 'UsageReport',
        also: { [CSV]: { type: 'string' } },
      },
    },
    errors: { 429: 'Too many reports of usage are being made.' },
  })
  async report(
    @Query() query: UsageQueryDto,
    @CurrentPrincipal() principal: Principal,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) response: HttpResponse,
  ): Promise<UsageAnswer | string> {
    const answer = await this.usage.report(query, principal);
    response.setHeader('Vary', 'Accept');
    if (!(query.format === 'csv' || (query.format === null && prefersCsv(accept)))) return answer;
    response.setHeader('Content-Type', `${CSV}; charset=utf-8; header=present`);
    response.setHeader('Content-Disposition', 'attachment; filename="usage.csv"');
    return usageCsv(answer);
  }
}

function prefersCsv(accept = ''): boolean {
  return accept.split(',')[0]?.trim().startsWith(CSV) ?? false;
}
