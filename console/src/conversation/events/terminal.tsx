import type { ComponentChildren } from 'preact';
import { visible } from '../../ui/safe-text.js';
import { contentText, numberAt, recordAt, textAt } from '../stream/wire-event.js';
import { observationContent, type CallItem } from '../stream/stream-items.js';
import { coloured } from './coloured.js';
import { LiveOutput } from './live-output.js';
import { Output } from './output.js';

/** A command and its output. @param children what came instead of an output */
export function Terminal({ item, children }: { item: CallItem; children?: ComponentChildren }) {
  const command = textAt(recordAt(item.action, 'action') ?? recordAt(item.result, 'observation'), 'command');
  const output = contentText(observationContent(item.result));
  const folder = textAt(recordAt(recordAt(item.result, 'observation'), 'metadata'), 'working_dir');
  const saved = textAt(recordAt(item.result, 'observation'), 'full_output_save_dir');
  const isCut = saved !== '' && output.includes('<response clipped>');
  return (
    <div class="event-terminal">
      {(!isInTitle(command) || item.result === undefined) && (
        <div class="command" title={folder === '' ? undefined : `in ${visible(folder)}`}>
          <Output text={command} lines={8} name="command.txt" />
        </div>
      )}
      {output !== '' && <Output text={output} side="end" render={coloured} name="output.txt" />}
      {item.result === undefined && children === undefined && <LiveOutput actionId={item.id} />}
      {item.result !== undefined && output === '' && <p class="note">No output</p>}
      {children}
      {isCut && (
        <p class="note">The agent saw a part. The whole output is in {visible(saved)} on the server.</p>
      )}
    </div>
  );
}

/** Whether the heading of the card shows the whole command. */
function isInTitle(command: string): boolean {
  return command.length <= 60 && !command.includes('\n');
}

/** The exit code of a command; undefined while there is none. */
export function exitCodeOf(item: CallItem): number | undefined {
  return numberAt(recordAt(item.result, 'observation'), 'exit_code');
}
