import { choice, Field, integer, nullable, text, uuid } from '../http/index.js';
import { USAGE_GROUPS } from '../storage/index.js';
import { isDateOrTime, isTimeZone } from './usage-days.js';

/** Dimensions of one query: the number of groups grows with each. */
const MAX_GROUPS = 3;
const FORMATS = ['json', 'csv'] as const;
const NAMES = USAGE_GROUPS.filter((name) => name !== 'tag');

const time = text({
  max: 40,
  check: (value) =>
    isDateOrTime(value)
      ? undefined
      : 'a date such as 2030-01-31 is expected, or a time with a zone such as 2030-01-31T12:00:00Z, from 1970 to 9998',
});
const name = nullable(text({ max: 300 }));

/** Which calls of models to sum up, and how. */
export class UsageQueryDto {
  @Field(
    text({ max: 400, check: groupsProblem }),
    `What to group by, up to three of them with commas: ${NAMES.join(', ')}, and \`tag:NAME\` for the values of a tag. Empty: one sum.`,
  )
  group_by = 'day';

  @Field(
    nullable(time),
    'Calls from this day on, or from this time on. Null: the last 30 days. Times are rounded to a quarter of an hour.',
  )
  from: string | null = null;

  @Field(nullable(time), 'Calls up to the end of this day, or before this time. Null: up to now.')
  to: string | null = null;

  @Field(
    text({
      max: 64,
      check: (value) => (isTimeZone(value) ? undefined : 'a time zone such as Europe/Berlin is expected'),
    }),
    'The time zone of days (IANA).',
  )
  time_zone = 'UTC';

  @Field(
    nullable(text({ max: 64 })),
    'Only what conversations of this key have cost: its id, or `session` for what belongs to no named key. Null: all.',
  )
  key: string | null = null;

  @Field(nullable(uuid()), 'Only this conversation. Null: all.')
  conversation_id: string | null = null;

  @Field(name, 'Only this model, by its full name. Null: all.')
  model: string | null = null;

  @Field(name, 'Only models of this provider. Null: all.')
  provider: string | null = null;

  @Field(name, 'Only calls with this usage id, as in `stats` of conversations. Null: all.')
  usage_id: string | null = null;

  @Field(
    integer({ ge: 1, le: 10_000 }),
    'Most groups of the answer: those that cost most. The total is over all.',
  )
  limit = 1000;

  @Field(nullable(choice(FORMATS)), 'Format of the answer. Null: CSV if `Accept` asks for it, else JSON.')
  format: (typeof FORMATS)[number] | null = null;
}

/** The names in a list with commas. */
export function groupNames(list: string): string[] {
  return list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

function groupsProblem(list: string): string | undefined {
  const names = groupNames(list);
  if (names.length > MAX_GROUPS) return `at most ${MAX_GROUPS} of them are possible`;
  if (new Set(names.map(kindOf)).size < names.length) return 'each of them is possible once';
  const unknown = names.find((entry) => !NAMES.some((known) => known === entry) && !/^tag:./.test(entry));
  return unknown === undefined ? undefined : `'${unknown}' is none of ${NAMES.join(', ')} and tag:NAME`;
}

function kindOf(entry: string): string {
  return entry.startsWith('tag:') ? 'tag' : entry;
}
