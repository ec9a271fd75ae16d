import { type DtoClass, Field } from '../../http/validation/field.js';
import {
  choice,
  decimal,
  flag,
  integer,
  nullable,
  type FieldType,
} from '../../http/validation/field-type.js';
import { prefixPath } from '../../http/validation/problem.js';
import { problemsOf, readDto, refTo } from '../../http/validation/dto.js';
import { isJsonObject } from '../../json/index.js';

/** Condenses by summaries of the model. */
export class LLMSummarizingCondenserSettingsDto {
  @Field(choice(['llm_summarizing']), 'Summaries in the place of old events, or nothing.')
  condenser_kind = 'llm_summarizing';

  @Field(flag(), 'Keep the history short.')
  enabled = true;

  @Field(integer({ ge: 20 }), 'Events that are kept before older ones are summarized.')
  max_size = 240;

  @Field(nullable(integer({ gt: 0 })), 'Tokens that are kept; null: no limit of this kind.')
  max_tokens: number | null = null;

  @Field(integer({ ge: 0 }), 'Events at the start that always stay.')
  keep_first = 2;

  @Field(decimal({ gt: 0, lt: 1 }), 'The share of the history that condensing has to win.')
  minimum_progress = 0.1;

  @Field(integer({ gt: 0 }), 'Attempts to start over when nothing else helps.')
  hard_context_reset_max_retries = 5;

  @Field(decimal({ gt: 0, lt: 1 }), 'How much shorter each of those attempts makes what is summarized.')
  hard_context_reset_context_scaling = 0.8;
}

/** Condenses nothing. */
export class NoOpCondenserSettingsDto {
  @Field(choice(['no_op']))
  condenser_kind = 'no_op';

  @Field(flag())
  enabled = true;
}

const KINDS: Readonly<Record<string, DtoClass>> = {
  llm_summarizing: LLMSummarizingCondenserSettingsDto,
  no_op: NoOpCondenserSettingsDto,
};

/** How the history is condensed, told apart by `condenser_kind`; without one by summaries. */
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
