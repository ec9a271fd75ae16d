import { Controller, Get, Header, Query } from '@nestjs/common';
import { Scope } from '../../auth/index.js';
import { KnownSecrets } from '../../crypto/index.js';
import { utcFromLocal } from '../../events/index.js';
import { choice, documentSchemas, Field, instant, integer, nullable, Operation } from '../../http/index.js';
import { recentProblems } from '../../logging/index.js';
import type { RecentLog } from './recent-log.js';

documentSchemas(async () => (await import('./recent-log.js')).recentLogSchemas());

/** Which lines of the log to return. */
class LogQueryDto {
  @Field(
    choice(['warn', 'error']),
    'Least severe level: `warn` for warnings and errors, `error` for errors only.',
  )
  level: 'warn' | 'error' = 'warn';

  @Field(integer({ ge: 1, le: 500 }), 'Most lines that are returned: the last ones that match.')
  limit = 100;

  @Field(nullable(instant()), 'Only lines from this time on. Null: from the start of the process.')
  since: string | null = null;
}

/** The last warnings and errors, for people who cannot see the output of the process. */
@Controller('api/server/log')
export class LogController {
  constructor(private readonly secrets: KnownSecrets) {}

  @Get()
  @Scope('read')
  @Header('Cache-Control', 'no-store')
  @Operation({
    tag: 'Server Details',
    summary: 'List the last warnings and errors of the log',
    description:
      'For people who cannot see the output of the process. The last 500 warnings and errors since its start are kept in ' +
      'memory, also those below `LOG_LEVEL`. Secrets are masked as in the log.',
    query: LogQueryDto,
    answers: { 200: { description: 'The lines that match, oldest first.', schema: 'RecentLog' } },
  })
  list(@Query() { level, limit, since }: LogQueryDto): RecentLog {
    const lines = recentProblems.last({
      level,
      limit,
      since: since === null ? undefined : withMilliseconds(utcFromLocal(since)),
    });
    return {
      // Secrets may have become known after the line was written.
      items: lines.map((line) => ({
        ...line,
        message: this.secrets.mask(line.message),
        stack: line.stack === null ? null : this.secrets.mask(line.stack),
      })),
      seen: recentProblems.seen,
      kept: recentProblems.kept,
    };
  }
}

/** The format of the times of lines. */
function withMilliseconds(time: string): string {
  return `${time.slice(0, 23)}Z`;
}
