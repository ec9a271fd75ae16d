import type { ComponentChildren } from 'preact';
import { useContext } from 'preact/hooks';
import { Icon } from '../../ui/icon.js';
import { oneLine } from '../../ui/safe-text.js';
import { Badge } from '../../ui/status.js';
import { duration, useNow } from '../../ui/time.js';
import { recordAt, textAt, type WireEvent } from '../stream/wire-event.js';
import { isFailed, type CallItem } from '../stream/stream-items.js';
import { Browser } from './browser.js';
import { shortPath, titleOf, type CallBody } from './call-title.js';
import { Delegation } from './delegation.js';
import { FileEdit } from './file-edit.js';
import { Fold } from './fold.js';
import { JsonTree } from './json-tree.js';
import { Finished, Reasoning, Thought } from './message.js';
import { readJson, ResultText } from './result-text.js';
import { SearchResult } from './search-result.js';
import { Stream } from './stream-context.js';
import { TaskList } from './task-list.js';
import { exitCodeOf, Terminal } from './terminal.js';

/** Calls that are unfolded at first: a person wants to see what they did, not only that they were made. */
const OPEN: ReadonlySet<CallBody> = new Set(['terminal', 'edit', 'tasks', 'browser', 'delegate']);

/** A tool call and its result as one card, after what the agent thought. */
export function Call({ item }: { item: CallItem }) {
  const { action, result } = item;
  const folder = useContext(Stream).workingDir.value;
  const title = titleOf(action, result);
  const isPath = title.body === 'edit' || title.body === 'file';
  const hasFailed = result !== undefined && isFailed(result);
  return (
    <>
      {action && <Thought event={action} />}
      {title.body === 'finish' && !hasFailed ? (
        <Finished item={item} />
      ) : title.body === 'think' && !hasFailed ? (
        <Reasoning
          name={`${item.id}-think`}
          label="Thought"
          text={textAt(recordAt(action, 'action'), 'thought')}
        />
      ) : (
        <Fold
          kind="card"
          name={item.id}
          isOpen={OPEN.has(title.body) || hasFailed}
          label={
            <>
              <Icon name={title.icon} />
              <span class="call-title">
                {title.verb !== '' && <span class="call-verb">{oneLine(title.verb, 80)} </span>}
                <code>{oneLine(isPath ? shortPath(title.object, folder) : title.object, 300)}</code>
              </span>
              <CallState item={item} hasFailed={hasFailed} />
            </>
          }
        >
          {() => <Body item={item} body={title.body} />}
        </Fold>
      )}
    </>
  );
}

function Body({ item, body }: { item: CallItem; body: CallBody }): ComponentChildren {
  switch (body) {
    case 'terminal':
      return item.result?.kind === 'ObservationEvent' || item.result === undefined ? (
        <Terminal item={item} />
      ) : (
        <Terminal item={{ ...item, result: undefined }}>
          <ResultText item={item} />
        </Terminal>
      );
    case 'edit':
      return <FileEdit item={item} />;
    case 'file':
      return <ResultText item={item} lines={24} />;
    case 'search':
      return <SearchResult item={item} />;
    case 'tasks':
      return <TaskList item={item} />;
    case 'browser':
      return <Browser item={item} />;
    case 'delegate':
      return <Delegation item={item} />;
    default:
      return <AnyCall item={item} />;
  }
}

/** Arguments and result of a tool that has no form of its own, such as one of an MCP server. */
function AnyCall({ item }: { item: CallItem }) {
  const given = argumentsOf(item.action);
  return (
    <>
      {given !== undefined && (
        <div class="call-part">
          <h4>Arguments</h4>
          <JsonTree value={given} />
        </div>
      )}
      {item.result !== undefined && (
        <div class="call-part">
          <h4>Result</h4>
          {item.result.kind === 'ACPToolCallEvent' ? (
            <JsonTree value={externalResult(item.result)} />
          ) : (
            <ResultText item={item} />
          )}
        </div>
      )}
    </>
  );
}

function argumentsOf(action: WireEvent | undefined): unknown {
  const fields = recordAt(action, 'action');
  if (fields !== undefined) {
    const { kind: _kind, data, ...others } = fields;
    return data ?? others;
  }
  if (action?.['raw_input'] !== undefined) return action['raw_input'];
  // The call was not valid: what the model wrote.
  const written = textAt(recordAt(action, 'tool_call'), 'arguments');
  return written === '' ? undefined : (readJson(written) ?? written);
}

function externalResult({ status, raw_output, content }: WireEvent): unknown {
  return {
    status,
    ...(raw_output !== undefined && { raw_output }),
    ...(content !== undefined && { content }),
  };
}

/** How far a call is: risk, approval, exit code, duration. */
function CallState({ item, hasFailed }: { item: CallItem; hasFailed: boolean }) {
  const { result, wasAsked, risk } = item;
  const exitCode = exitCodeOf(item);
  return (
    <span class="call-state">
      {risk !== '' && (
        <span class={`event-tag risk-${risk.toLowerCase()}`}>{oneLine(risk.toLowerCase(), 12)} risk</span>
      )}
      {result?.kind === 'UserRejectObservation' ? (
        <span class="event-tag bad">
          refused by {textAt(result, 'rejection_source') === 'hook' ? 'a hook' : 'a person'}
        </span>
      ) : (
        wasAsked && result !== undefined && <span class="event-tag">approved</span>
      )}
      {exitCode !== undefined && exitCode !== 0 && <span class="event-tag bad">exit {exitCode}</span>}
      {result === undefined ? (
        <OpenCall item={item} />
      ) : (
        <>
          <Took item={item} result={result} />
          <span
            class={hasFailed ? 'mark bad' : 'mark good'}
            role="img"
            aria-label={hasFailed ? 'failed' : 'succeeded'}
          >
            <Icon name={hasFailed ? 'close' : 'check'} />
          </span>
        </>
      )}
    </span>
  );
}

function Took({ item, result }: { item: CallItem; result: WireEvent }) {
  const ms = Date.parse(result.timestamp) - Date.parse(item.startedAt);
  return item.action !== undefined && ms >= 0 ? <span class="took">{duration(ms)}</span> : null;
}

function OpenCall({ item }: { item: CallItem }) {
  const { timeOf, openCalls } = useContext(Stream);
  const now = useNow();
  const state = openCalls.value;
  if (state === 'waiting') return <Badge tone="waiting">waits for approval</Badge>;
  if (state === 'none') return <span class="event-tag">no result</span>;
  const since = Date.parse(timeOf({ timestamp: item.startedAt }));
  return <Badge tone="running">{Number.isNaN(since) ? 'running' : duration(now - since)}</Badge>;
}
