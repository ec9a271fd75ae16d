import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Component, type ComponentChildren } from 'preact';
import { navigate } from '../routing/address.js';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { compact, money } from '../ui/numbers.js';
import { oneLine } from '../ui/safe-text.js';
import { Badge, Status } from '../ui/status.js';
import { Age, duration, exactTime, useNow } from '../ui/time.js';
import { mayWrite } from '../api/current-key.js';
import { approve, busy, pause, readingTime, resume } from './actions.js';
import type { Section } from './arrange.js';
import { isRunning } from './filters.js';
import { refusing } from './refuse-dialog.js';
import { isSetAside, setAside } from './set-aside.js';
import { summaries, type Summary } from './summary-store.js';
import { activityLabel, conversationPath, reasonText, shortModel, titleOf, waitsLabel } from './texts.js';

interface Props {
  summary: Summary;
  section: Section;
  depth: 0 | 1;
  /** The title of its parent, if that stands elsewhere. */
  parent: string | null;
  index: number;
  top: number;
  height: number;
  isCurrent: boolean;
  isSelected: boolean;
  onToggle: (id: string) => void;
  onSelectTo: (id: string) => void;
}

/** A conversation in the list. It is rendered again only when its properties change: rows are many. */
export class ConversationRow extends Component<Props> {
  override shouldComponentUpdate(next: Props): boolean {
    return (Object.keys(next) as (keyof Props)[]).some((name) => next[name] !== this.props[name]);
  }

  override render(props: Props) {
    return <Row {...props} />;
  }
}

function Row(props: Props) {
  const { summary, section, depth, index, top, height, isCurrent, isSelected } = props;
  const { id } = summary;
  const title = titleOf(summary);
  const tab = isCurrent ? 0 : -1;
  return (
    <div
      id={rowId(id)}
      class={`home-row ${section}${isCurrent ? ' current' : ''}${depth > 0 ? ' child' : ''}`}
      role="row"
      aria-rowindex={index + 1}
      aria-selected={isSelected}
      data-id={id}
      style={{ transform: `translateY(${top}px)`, height: `${height}px` }}
      onClick={(event) => {
        if (event.target instanceof Element && event.target.closest('a, button, input') !== null) return;
        if (event.shiftKey) props.onSelectTo(id);
        else if (event.metaKey || event.ctrlKey) props.onToggle(id);
        else navigate(conversationPath(id));
      }}
      onMouseDown={(event) => {
        // Otherwise the texts between two clicks with shift would be marked.
        if (event.shiftKey) event.preventDefault();
      }}
    >
      <div class="home-cell home-check-cell" role="gridcell">
        <label class="home-hit">
          <input
            type="checkbox"
            tabIndex={tab}
            checked={isSelected}
            aria-label={`Select ${title}`}
            onClick={(event) => {
              const box = event.currentTarget;
              if (!event.shiftKey) return props.onToggle(id);
              props.onSelectTo(id);
              // The browser takes the mark away from a box that was marked.
              box.checked = true;
            }}
          />
        </label>
      </div>
      <div class="home-cell home-state-cell" role="gridcell">
        <State summary={summary} />
      </div>
      <div class="home-cell home-main-cell" role="gridcell">
        <span class="home-title-line">
          <a class="home-title" href={conversationPath(id)} tabIndex={tab}>
            {title}
          </a>
          {props.parent !== null && <span class="home-parent">in {props.parent}</span>}
          <Tags tags={summary.tags} />
        </span>
        <Detail summary={summary} />
      </div>
      <div class="home-cell home-facts-cell" role="gridcell">
        <Facts summary={summary} />
      </div>
      <div class="home-cell home-action-cell" role="gridcell">
        <Actions summary={summary} tab={tab} />
      </div>
    </div>
  );
}

/** The id of the element of a conversation. */
export function rowId(id: string): string {
  return `row-${id}`;
}

function State({ summary }: { summary: Summary }) {
  if (summary.waits_for !== null && !isSetAside(summary)) {
    const isProblem = summary.waits_for === 'error' || summary.waits_for === 'budget';
    return <Badge tone={isProblem ? 'bad' : 'waiting'}>{waitsLabel(summary.waits_for)}</Badge>;
  }
  return <Status status={summary.activity === null ? summary.execution_status : 'running'} />;
}

/** The second line: why it waits, or what it does. */
function Detail({ summary }: { summary: Summary }) {
  const { waits_for, activity } = summary;
  if (activity !== null) return <Activity activity={activity} />;
  if (waits_for === null) return null;
  const text = reasonText(summary);
  return (
    <span class={`home-detail home-reason${waits_for === 'confirmation' ? ' home-code' : ''}`} title={text}>
      {text}
    </span>
  );
}

function Activity({ activity }: { activity: NonNullable<Summary['activity']> }) {
  const since = Date.parse(activity.since);
  const elapsed = Math.max(0, useNow() + summaries.clockOffset - since);
  return (
    <span class="home-detail">
      <span class={activity.kind === 'tool' ? 'home-code' : ''}>{activityLabel(activity)}</span>
      {activity.step > 0 && <span>step {activity.step}</span>}
      <time class="home-figure" dateTime={activity.since} title={`Since ${exactTime(activity.since)}`}>
        {elapsed < 1000 ? '0 s' : duration(Math.floor(elapsed / 1000) * 1000)}
      </time>
    </span>
  );
}

function Facts({ summary }: { summary: Summary }) {
  const { model, cost, activity, max_budget_per_run: budget, waits_since, updated_at } = summary;
  return (
    <>
      {activity !== null && <Rate id={summary.id} />}
      <span class="home-model" title={oneLine(model, 200)}>
        {shortModel(model)}
      </span>
      <span class="home-cost home-figure" title={budget === null ? undefined : `Budget ${money(budget)}`}>
        {cost > 0 || budget !== null ? money(cost) : ''}
        {budget !== null && <span class="home-budget"> / {money(budget)}</span>}
      </span>
      <span class="home-age home-figure">
        <Age at={waits_since ?? updated_at} />
      </span>
    </>
  );
}

function Rate({ id }: { id: string }) {
  useNow();
  const rate = summaries.rates.of(id);
  return (
    <span class="home-rate home-figure" title="Tokens in the last minute">
      {rate === undefined || rate < 1 ? '' : `${compact(rate)} tok/min`}
    </span>
  );
}

const MAX_TAGS = 3;

function Tags({ tags }: { tags: Summary['tags'] }) {
  const all = Object.entries(tags);
  if (all.length === 0) return null;
  const title = all.map(([key, value]) => `${key}: ${value}`).join('\n');
  return (
    <span class="home-tags" title={oneLine(title, 400)}>
      {all.slice(0, MAX_TAGS).map(([key, value]) => (
        <span key={key} class="home-tag">
          {oneLine(value === '' ? key : value, 24)}
        </span>
      ))}
      {all.length > MAX_TAGS && <span class="home-tag">+{all.length - MAX_TAGS}</span>}
    </span>
  );
}

/** Can be pressed once the action was there for a moment: a double click must not approve the next one. */
function ApproveButton({ summary, tab, isBusy }: { summary: Summary; tab: number; isBusy: boolean }) {
  const { id, reason } = summary;
  const isNew = useSignal(true);
  useEffect(() => {
    isNew.value = true;
    const timer = setTimeout(() => {
      isNew.value = false;
    }, readingTime(id));
    return () => clearTimeout(timer);
  }, [id, reason]);
  return (
    <Button
      kind="primary"
      tabIndex={tab}
      busy={isBusy}
      disabled={isNew.value}
      aria-label={`Approve ${titleOf(summary)}`}
      title="Approve (a)"
      onClick={() => void approve(summary)}
    >
      Approve
    </Button>
  );
}

/** What a person can do here and now. */
function Actions({ summary, tab }: { summary: Summary; tab: number }): ComponentChildren {
  const { id, waits_for } = summary;
  const isBusy = busy.value.has(id);
  const title = titleOf(summary);
  if (!mayWrite()) return null;
  if (isRunning(summary)) {
    return (
      <span class="home-on-hover">
        <Button
          kind="quiet"
          square
          tabIndex={tab}
          busy={isBusy}
          aria-label={`Pause ${title}`}
          title="Pause (p)"
          onClick={() => void pause([summary])}
        >
          <Icon name="pause" />
        </Button>
      </span>
    );
  }
  if (waits_for === 'confirmation' && summary.reason_is_whole) {
    return (
      <>
        <ApproveButton summary={summary} tab={tab} isBusy={isBusy} />
        <Button
          tabIndex={tab}
          busy={isBusy}
          aria-label={`Refuse ${title}`}
          title="Refuse (r)"
          onClick={() => (refusing.value = summary)}
        >
          Refuse
        </Button>
      </>
    );
  }
  if (waits_for !== null && !isSetAside(summary)) {
    const label = waits_for === 'confirmation' ? 'Review' : waits_for === 'question' ? 'Answer' : 'Open';
    return (
      <>
        {waits_for !== 'confirmation' && (
          <span class="home-on-hover">
            <Button
              kind="quiet"
              square
              tabIndex={tab}
              aria-label={`Set ${title} aside`}
              title="Set aside until it waits for something else (e)"
              onClick={() => setAside([summary], true)}
            >
              <Icon name="check" />
            </Button>
          </span>
        )}
        <Button
          tabIndex={tab}
          aria-label={`${label} ${title}`}
          onClick={() => navigate(conversationPath(id))}
        >
          {label}
        </Button>
      </>
    );
  }
  if (summary.execution_status !== 'paused') return null;
  return (
    <span class="home-on-hover">
      <Button
        kind="quiet"
        square
        tabIndex={tab}
        busy={isBusy}
        aria-label={`Resume ${title}`}
        title="Resume (s)"
        onClick={() => void resume([summary])}
      >
        <Icon name="play" />
      </Button>
    </span>
  );
}
