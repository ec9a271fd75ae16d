import { Controller, Get, Header } from '@nestjs/common';
import { CurrentPrincipal, type Principal, Scope, SESSION } from '../auth/index.js';
import { documentSchemas, objectSchema, Operation } from '../http/index.js';
import { nextOf, Spending } from '../usage/index.js';
import type { Budget } from './budgets.js';
import { KeyLimiter } from './key-limiter.js';

/** A budget on the wire. */
interface BudgetInfo {
  budget: string;
  limit: number;
  spent: number | null;
  period_start: string;
  period_end: string;
}

const time = { type: 'string', format: 'date-time' };
const amount = { type: 'number', minimum: 0 };

documentSchemas(() =>
  Promise.resolve({
    Budget: objectSchema({
      budget: [
        { type: 'string', enum: ['server_day', 'server_month', 'key_day', 'key_month'] },
        'Whether it is for all conversations together or for those of the key of this request, and for how long.',
      ],
      limit: [amount, 'US dollars that models may cost.'],
      spent: [
        { type: ['number', 'null'], minimum: 0 },
        'US dollars that they have cost so far; null while that cannot be read: the budget counts as spent.',
      ],
      period_start: [time, 'When the period has begun, in UTC.'],
      period_end: [time, 'When the next one begins.'],
    }),
    BudgetList: objectSchema({
      budgets: [{ type: 'array', items: { $ref: '#/components/schemas/Budget' } }, 'Those that are set.'],
      warn_percent: [{ type: 'integer' }, 'From which share on conversations are warned.'],
    }),
  }),
);

/** What may still be spent. */
@Controller('api/usage/budgets')
export class BudgetsController {
  constructor(
    private readonly limiter: KeyLimiter,
    private readonly spending: Spending,
  ) {}

  @Get()
  @Scope('read', { own: true })
  @Header('Cache-Control', 'no-store')
  @Operation({
    tag: 'Usage',
    summary: 'List what models may still cost',
    description:
      'The budgets that hold for the key of this request: its own (`usd_per_day` and `usd_per_month` of its limits), and ' +
      'those of the server (`budgets` of the configuration), which a key of the reach `own` is not shown. A run that ' +
      'reaches one ends with the error `MaxBudgetReached`; before that its conversation gets an event `budget_warning`.',
    answers: { 200: { description: 'The budgets that are set.', schema: 'BudgetList' } },
  })
  async list(
    @CurrentPrincipal() { id, reach }: Principal,
  ): Promise<{ budgets: BudgetInfo[]; warn_percent: number }> {
    await this.spending.refreshed();
    const all = this.limiter.budgetsOf(id === SESSION.id ? null : id);
    const shown = reach === 'own' ? all.filter(({ name }) => name === 'key') : all;
    return { budgets: shown.map(infoOf), warn_percent: this.limiter.warnPercent };
  }
}

function infoOf({ name, period, limit, spent, start }: Budget): BudgetInfo {
  return {
    budget: `${name}_${period}`,
    limit,
    spent: spent ?? null,
    period_start: new Date(start).toISOString(),
    period_end: new Date(nextOf(period, start)).toISOString(),
  };
}
