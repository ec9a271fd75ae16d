import {
  type DtoClass,
  Field,
  choice,
  decimal,
  flag,
  integer,
  nullable,
  type FieldType,
  prefixPath,
  problemsOf,
  readDto,
  refTo,
} from '../../http/index.js';
import { isJsonObject } from '../../json/index.js';

/** Condenses by summaries of a model. */
export class LLMSummarizingCondenserSettingsDto {
  @Field(
    choice(['llm_summarizing']),
    '`llm_summarizing`: replace old events by summaries; `no_op`: do not condense.',
  )
  condenser_kind = 'llm_summarizing';

  @Field(flag(), 'Enable condensation.')
  enabled = true;

  @Field(integer({ ge: 20 }), 'Maximum number of events before old ones are summarized.')
  max_size = 240;

  @Field(
    nullable(integer({ gt: 0 })),
    'Maximum number of tokens before old events are summarized; null: the input limit of the model.',
  )
  max_tokens: number | null = null;

  @Field(integer({ ge: 0 }), 'Number of events at the start that are always kept.')
  keep_first = 2;

  @Field(
    decimal({ gt: 0, lt: 1 }),
    'Minimum share of the events that a condensation must remove, from 0 to 1.',
  )
  minimum_progress = 0.1;

  @Field(
    integer({ gt: 0 }),
    'How often summarizing everything is repeated with a shorter text if it does not fit the model.',
  )
  hard_context_reset_max_retries = 5;

  @Field(decimal({ gt: 0, lt: 1 }), 'Factor by which each attempt shortens the text to summarize.')
  hard_context_reset_context_scaling = 0.8;
}

/** Does not condense. */
class NoOpCondenserSettingsDto {
  @Field(choice(['no_op']), 'Marks a condenser that does nothing: the history is never shortened.')
  condenser_kind = 'no_op';

  @Field(flag(), 'Has no effect, because this condenser does nothing.')
  enabled = true;
}

const KINDS: Readonly<Record<string, DtoClass>> = {
  llm_summarizing: LLMSummarizingCondenserSettingsDto,
  no_op: NoOpCondenserSettingsDto,
};

/** Condenser settings, discriminated by `condenser_kind`. The default is `llm_summarizing`. */
export const condenserSettings: FieldType = {
  read: (raw) => {
    const kind = isJsonObject(raw) ? classOf(raw) : undefined;
    return isJsonObject(raw) && kind ? readDto(kind, raw) : raw;
  },
  problems: (value) => {
    for (const [kind, dto] of Object.entries(KINDS)) {
      if (value instanceof dto) return prefixPath([kind], problemsOf(value));
    }
    const msg = "Input should be an object whose 'condenser_kind' is 'llm_summarizing' or 'no_op'";
    return [{ type: 'union_tag_invalid', msg }];
  },
  schema: () => ({ oneOf: Object.values(KINDS).map((dto) => ({ $ref: refTo(dto) })) }),
};

function classOf({
  condenser_kind: kind = 'llm_summarizing',
}: Record<string, unknown>): DtoClass | undefined {
  return typeof kind === 'string' && Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
}
