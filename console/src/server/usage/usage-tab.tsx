import { useSignal } from '@preact/signals';
import { api, call, fetchPath, type Schemas } from '../../api/client.js';
import { messageOf } from '../../api/api-error.js';
import { useFetched } from '../../api/use-fetched.js';
import { setQuery, viewQuery } from '../../routing/address.js';
import { Button } from '../../ui/button.js';
import { EmptyState } from '../../ui/empty-state.js';
import { NotFetched } from '../../ui/not-fetched.js';
import { compact, money } from '../../ui/numbers.js';
import { visible } from '../../ui/safe-text.js';
import { saveFile } from '../../ui/save-file.js';
import { StackedBars } from './stacked-bars.js';
import {
  daysUpTo,
  MEASURES,
  nameOf,
  seriesOf,
  SPLITS,
  type Measure,
  type Series,
  type Split,
  type UsageItem,
} from './usage-series.js';
import { Fact } from '../../ui/fact.js';

const POLL_MS = 15_000;
const PERIODS: Readonly<Record<string, string>> = {
  7: 'Last 7 days',
  30: 'Last 30 days',
  90: 'Last 90 days',
  365: 'Last year',
};
const DEFAULT_DAYS = 30;
const MOST_GROUPS = 10_000;
/** The groups of the table, and the conversations. */
const MOST_ROWS = 20;

/** What models have cost: by day, and by model, provider, key or purpose. */
export function UsageTab() {
  const asked = viewQuery.value;
  const count =
    asked.get('days') !== null && PERIODS[asked.get('days') ?? ''] ? Number(asked.get('days')) : DEFAULT_DAYS;
  const split = (Object.keys(SPLITS) as Split[]).find((it) => it === asked.get('by')) ?? 'model';
  const measure = (Object.keys(MEASURES) as Measure[]).find((it) => it === asked.get('show')) ?? 'cost';
  const zone = timeZone();
  const days = daysUpTo(today(), count);
  const period = { from: days[0] ?? null, time_zone: zone };
  const read = async (group_by: string, limit: number, signal: AbortSignal) =>
    asReport(
      await call(api.GET('/api/usage', { params: { query: { ...period, group_by, limit } }, signal })),
    );
  const { data, error, reload } = useFetched(
    async (signal) => {
      const [byDay, groups, conversations, budgets] = await Promise.all([
        read(`day,${split}`, MOST_GROUPS, signal),
        read(split, MOST_ROWS, signal),
        read('conversation', MOST_ROWS, signal),
        call(api.GET('/api/usage/budgets', { signal })),
      ]);
      return { byDay, groups, conversations, budgets, split };
    },
    { subject: [split, period.from, zone].join(), everyMs: POLL_MS },
  );
  if (data === undefined)
    return <NotFetched title="The usage could not be read" error={error} reload={reload} />;
  const { label, format } = MEASURES[measure];
  const series = seriesOf(data.byDay.items, days, data.split, measure);
  const { total } = data.groups;
  return (
    <div class="page-body usage">
      <div class="find-bar">
        <Choice name="days" label="Period" value={String(count)} choices={PERIODS} />
        <Choice
          name="show"
          label="Show"
          value={measure}
          choices={Object.fromEntries(Object.entries(MEASURES).map(([name, it]) => [name, it.label]))}
        />
        <Choice
          name="by"
          label="By"
          value={split}
          choices={Object.fromEntries(
            Object.entries(SPLITS).map(([name, it]) => [name, `By ${it.toLowerCase()}`]),
          )}
        />
        <SaveButton query={{ ...period, group_by: `day,${split}` }} />
      </div>
      {error !== undefined && <p class="field-problem">Not up to date: {error}</p>}
      <Totals total={total} />
      {data.budgets.budgets.length > 0 && <Budgets {...data.budgets} />}
      {total.calls === 0 ? (
        <EmptyState title="No model was called">
          <p>What calls of models cost appears here, also when their conversations are deleted.</p>
        </EmptyState>
      ) : (
        <>
          <section class="card usage-plot" aria-label={`${label} a day`}>
            <h3>{label} a day</h3>
            {data.byDay.truncated && (
              <p class="soft" role="note">
                Only the {compact(MOST_GROUPS)} groups that cost most are shown here and in the CSV: small
                amounts of some days are missing. The sums above are of all calls.
              </p>
            )}
            <StackedBars
              days={days}
              series={series}
              format={format}
              description={describe(label, series, format)}
            />
            <ul class="usage-legend">
              {series.map((one) => (
                <li key={one.name}>
                  <i style={{ background: `var(${one.color})` }} aria-hidden="true" />
                  {visible(one.name)} <span class="soft">{format(one.total)}</span>
                </li>
              ))}
            </ul>
          </section>
          <Groups
            title={SPLITS[data.split]}
            rows={data.groups.items.map((item) => ({ item, name: visible(nameOf(item, data.split)) }))}
            total={total.cost}
            isTruncated={data.groups.truncated}
          />
          <Groups
            title="Conversation"
            rows={data.conversations.items.map((item) => ({ item, name: conversationOf(item) }))}
            total={total.cost}
            isTruncated={data.conversations.truncated}
          />
        </>
      )}
    </div>
  );
}

interface ChoiceProps {
  name: string;
  label: string;
  value: string;
  choices: Readonly<Record<string, string>>;
}

/** A choice that is part of the address. */
function Choice({ name, label, value, choices }: ChoiceProps) {
  return (
    <select
      aria-label={label}
      value={value}
      onChange={(event) => setQuery({ [name]: event.currentTarget.value })}
    >
      {Object.entries(choices).map(([choice, text]) => (
        <option key={choice} value={choice}>
          {text}
        </option>
      ))}
    </select>
  );
}

function SaveButton({ query }: { query: Readonly<Record<string, string | null>> }) {
  const isBusy = useSignal(false);
  const problem = useSignal<string | undefined>(undefined);
  const save = async (): Promise<void> => {
    isBusy.value = true;
    problem.value = undefined;
    try {
      const given = Object.entries(query).flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
      const parameters = new URLSearchParams([...given, ['format', 'csv'], ['limit', String(MOST_GROUPS)]]);
      const response = await fetchPath(`api/usage?${parameters.toString()}`);
      saveFile(await response.blob(), 'usage.csv');
    } catch (error) {
      problem.value = messageOf(error);
    } finally {
      isBusy.value = false;
    }
  };
  return (
    <>
      <Button busy={isBusy.value} onClick={() => void save()}>
        Save as CSV
      </Button>
      {problem.value !== undefined && <span class="field-problem">{problem.value}</span>}
    </>
  );
}

function Totals({ total }: { total: Schemas['UsageSums'] }) {
  const { calls, errors, unpriced_calls: unpriced, prompt_tokens: prompt, cache_read_tokens: cached } = total;
  return (
    <dl class="facts card">
      <Fact label="Cost" title={unpriced > 0 ? 'Without calls whose price is unknown' : undefined}>
        {money(total.cost)}
      </Fact>
      <Fact label="Calls">{compact(calls)}</Fact>
      <Fact label="Failed" title="Interrupted calls count, too: providers may bill them">
        {compact(errors)}
      </Fact>
      <Fact label="Without a price" title="Calls of models whose prices nobody knows: they count as $0">
        {compact(unpriced)}
      </Fact>
      <Fact label="Prompt tokens">{compact(prompt)}</Fact>
      <Fact label="From caches" title="Prompt tokens that providers had in their caches">
        {prompt === 0 ? '–' : `${Math.round((100 * cached) / prompt)} %`}
      </Fact>
      <Fact label="Answer tokens" title={`${compact(total.reasoning_tokens)} of them for reasoning`}>
        {compact(total.completion_tokens)}
      </Fact>
    </dl>
  );
}

const BUDGETS: Readonly<Record<string, string>> = {
  server_day: 'Server, today',
  server_month: 'Server, this month',
  key_day: 'This key, today',
  key_month: 'This key, this month',
};

/** How much of each budget is spent. */
function Budgets({ budgets, warn_percent: warn }: Schemas['BudgetList']) {
  return (
    <ul class="card usage-budgets" aria-label="Budgets">
      {budgets.map(({ budget, limit, spent }) => {
        const percent = spent !== null && limit > 0 ? Math.min(100, (100 * spent) / limit) : 100;
        const tone = percent >= 100 ? 'is-spent' : percent >= warn ? 'is-near' : '';
        return (
          <li key={budget}>
            <span>{BUDGETS[budget] ?? budget}</span>
            <span class="soft">
              {spent === null ? 'not known' : money(spent)} of {money(limit)}
            </span>
            <span class={`usage-share ${tone}`} aria-hidden="true">
              <i style={{ width: `${percent}%` }} />
            </span>
          </li>
        );
      })}
    </ul>
  );
}

interface GroupsProps {
  title: string;
  rows: readonly { item: UsageItem; name: preact.ComponentChildren }[];
  /** Of all groups (US dollars). */
  total: number;
  /** There are more groups than rows. */
  isTruncated: boolean;
}

function Groups({ title, rows, total, isTruncated }: GroupsProps) {
  return (
    <div
      class="card scrolled-table usage-table"
      tabIndex={0}
      role="region"
      aria-label={`Usage by ${title.toLowerCase()}`}
    >
      <table class="data-table">
        <thead>
          <tr>
            <th scope="col">{title}</th>
            <th scope="col" class="number">
              Cost
            </th>
            <th scope="col">Share</th>
            <th scope="col" class="number">
              Calls
            </th>
            <th scope="col" class="number">
              Failed
            </th>
            <th scope="col" class="number">
              Prompt tokens
            </th>
            <th scope="col" class="number">
              Answer tokens
            </th>
            <th scope="col" class="number">
              Mean time
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ item, name }, index) => (
            <tr key={index}>
              <td class="name">{name}</td>
              <td class="number">{money(item.cost)}</td>
              <td>
                <span class="usage-share" aria-hidden="true">
                  <i style={{ width: `${total > 0 ? (100 * item.cost) / total : 0}%` }} />
                </span>
              </td>
              <td class="number">{compact(item.calls)}</td>
              <td class="number">{item.errors === 0 ? '' : compact(item.errors)}</td>
              <td class="number">{compact(item.prompt_tokens)}</td>
              <td class="number">{compact(item.completion_tokens)}</td>
              <td class="number">{(item.latency_seconds / Math.max(1, item.calls)).toFixed(1)} s</td>
            </tr>
          ))}
        </tbody>
      </table>
      {isTruncated && <p class="soft">The {rows.length} that cost most.</p>}
    </div>
  );
}

/** It may be deleted: then the link says so. */
function conversationOf({ conversation_id: id }: UsageItem) {
  if (typeof id !== 'string') return 'none';
  return (
    <a class="mono" href={`conversations/${id}`} title={id}>
      {id.slice(0, 8)}
    </a>
  );
}

function describe(label: string, series: readonly Series[], format: (value: number) => string): string {
  const parts = series.map(({ name, total }) => `${name}: ${format(total)}`);
  return `${label} a day. ${parts.join('; ')}.`;
}

/** CSV is only sent to whom asks for it. */
function asReport(answer: Schemas['UsageReport'] | string): Schemas['UsageReport'] {
  if (typeof answer === 'string') throw new TypeError('the server has sent CSV');
  return answer;
}

function timeZone(): string {
  const { timeZone: zone } = Intl.DateTimeFormat().resolvedOptions();
  return /^[A-Za-z][\w+/-]*$/.test(zone) ? zone : 'UTC';
}

/** The day in the time zone of the browser. */
function today(): string {
  return new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeZone: timeZone() }).format(Date.now());
}
