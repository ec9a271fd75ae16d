import type { Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useContext, useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from '../../ui/icon.js';
import { oneLine } from '../../ui/safe-text.js';
import { exactTime } from '../../ui/time.js';
import { contentText, listAt, recordAt, textAt, type WireEvent } from '../stream/wire-event.js';
import type { StreamItem } from '../stream/stream-items.js';
import { Call } from './call.js';
import { titleOf } from './call-title.js';
import { ErrorEvent } from './error-event.js';
import { CondensationMark, HookRun, isTooLarge, Other, StateMark, StopMark, TooLarge } from './marks.js';
import { Message } from './message.js';
import { copyText } from '../../ui/copy-text.js';
import { Stream } from './stream-context.js';
import { SystemPrompt } from './system-prompt.js';

/** The events of an item: the action, then its result. */
export function eventsOf(item: StreamItem): WireEvent[] {
  return item.type === 'event'
    ? [item.event]
    : [item.action, item.result].filter((event) => event !== undefined);
}

/** One piece of the stream, with its time and its menu. */
export function EventArticle({ item, asRaw }: { item: StreamItem; asRaw: boolean }) {
  const [event] = eventsOf(item);
  if (event === undefined) return null;
  return (
    <article
      class={`event ${item.type === 'call' ? 'call' : event.kind}${item.isOffBranch ? ' off-branch' : ''}`}
      data-event={item.id}
      tabIndex={-1}
      aria-label={labelOf(item)}
    >
      <div class="event-main">
        {asRaw ? eventsOf(item).map((part) => <Other key={part.id} event={part} />) : <Content item={item} />}
      </div>
      <EventSide item={item} event={event} />
    </article>
  );
}

function Content({ item }: { item: StreamItem }): ComponentChildren {
  if (item.type === 'call') return <Call item={item} />;
  const { event } = item;
  if (isTooLarge(event)) return <TooLarge event={event} />;
  switch (event.kind) {
    case 'SystemPromptEvent':
      return <SystemPrompt event={event} />;
    case 'MessageEvent':
      return <Message event={event} />;
    case 'ConversationErrorEvent':
    case 'ServerErrorEvent':
      return <ErrorEvent event={event} />;
    case 'ConversationStateUpdateEvent':
      return <StateMark event={event} />;
    case 'PauseEvent':
    case 'InterruptEvent':
      return <StopMark event={event} />;
    case 'Condensation':
    case 'CondensationRequest':
      return <CondensationMark event={event} />;
    case 'HookExecutionEvent':
      return <HookRun event={event} />;
    default:
      return <Other event={event} />;
  }
}

function EventSide({ item, event }: { item: StreamItem; event: WireEvent }) {
  const { timeOf, menu } = useContext(Stream);
  const at = timeOf(event);
  const isOpen = menu.value === item.id;
  return (
    <div class="event-side" onKeyDown={(key) => moveInMenu(key, menu)}>
      <time dateTime={at} title={`${exactTime(at)} (${event.timestamp} on the server)`}>
        {clock(at)}
      </time>
      <button
        type="button"
        class="event-menu-button"
        tabIndex={-1}
        aria-label="More about this event"
        aria-haspopup="menu"
        aria-expanded={isOpen}
        onClick={() => {
          menu.value = isOpen ? null : item.id;
        }}
      >
        <Icon name="more" />
      </button>
      {isOpen && <EventMenu item={item} event={event} />}
    </div>
  );
}

function EventMenu({ item, event }: { item: StreamItem; event: WireEvent }) {
  const { menu, raw, addressOf, onFork } = useContext(Stream);
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    ref.current?.querySelector('button')?.focus();
    const close = ({ target }: Event): void => {
      const side = ref.current?.parentElement;
      if (target instanceof Node && side?.contains(target) !== true) menu.value = null;
    };
    addEventListener('pointerdown', close);
    return () => removeEventListener('pointerdown', close);
  }, []);
  const choose = (run: () => void) => () => {
    menu.value = null;
    run();
  };
  const last = eventsOf(item).at(-1) ?? event;
  return (
    <div ref={ref} class="event-menu" role="menu">
      <button
        type="button"
        role="menuitem"
        onClick={choose(() => void copyText(addressOf(event.id), 'The link'))}
      >
        <Icon name="link" /> Copy link
      </button>
      {onFork && (
        <button type="button" role="menuitem" onClick={choose(() => onFork(last))}>
          <Icon name="fork" /> Fork after this event
        </button>
      )}
      <button type="button" role="menuitem" onClick={choose(() => (raw.value = eventsOf(item)))}>
        <Icon name="code" /> Show as JSON
      </button>
    </div>
  );
}

function moveInMenu(event: KeyboardEvent, menu: Signal<string | null>): void {
  const side = event.currentTarget;
  if (!(side instanceof HTMLElement) || menu.value === null) return;
  const items = [...side.querySelectorAll<HTMLElement>('[role=menuitem]')];
  const at = items.findIndex((item) => item === document.activeElement);
  if (event.key === 'Escape') {
    menu.value = null;
    side.closest('article')?.focus();
  } else if (event.key === 'ArrowDown') items[(at + 1) % items.length]?.focus();
  else if (event.key === 'ArrowUp') items.at(at - 1)?.focus();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

const clockFormat = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });

function clock(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : clockFormat.format(date);
}

/** What a screen reader says about an item before its content. */
function labelOf(item: StreamItem): string {
  if (item.type === 'call') {
    const { verb, object } = titleOf(item.action, item.result);
    return oneLine(`Tool call: ${verb} ${object}`, 120);
  }
  const { event } = item;
  if (event.kind !== 'MessageEvent') return oneLine(event.kind, 80);
  const text = contentText(listAt(recordAt(event, 'llm_message'), 'content'));
  return oneLine(`Message of ${textAt(event, 'source')}: ${text.slice(0, 200)}`, 120);
}
