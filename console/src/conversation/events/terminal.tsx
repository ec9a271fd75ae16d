import type { ComponentChildren } from 'preact';
import { visible } from '../../ui/safe-text.js';
import { contentText, numberAt, recordAt, textAt } from '../stream/wire-event.js';
import { observationContent, type CallItem } from '../stream/stream-items.js';
import { parseAnsi, type AnsiSpan, type AnsiStyle } from '../terminal/ansi.js';
import { Output } from './output.js';

/** A command and its output. @param children what came instead of an output */
export function Terminal({ item, children }: { item: CallItem; children?: ComponentChildren }) {
  const command = textAt(recordAt(item.action, 'action') ?? recordAt(item.result, 'observation'), 'command');
  const output = contentText(observationContent(item.result));
  const folder = textAt(recordAt(recordAt(item.result, 'observation'), 'metadata'), 'working_dir');
  const saved = textAt(recordAt(item.result, 'observation'), 'full_output_save_dir');
  const isCut = saved !== '' && output.includes('<response clipped>');
  return (
    <div class="terminal">
      {(!isInTitle(command) || item.result === undefined) && (
        <div class="command" title={folder === '' ? undefined : `in ${visible(folder)}`}>
          <Output text={command} lines={8} name="command.txt" />
        </div>
      )}
      {output !== '' && <Output text={output} side="end" render={coloured} name="output.txt" />}
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

function coloured(text: string): ComponentChildren {
  return parseAnsi(text).map((line, index) => (
    <>
      {index > 0 && '\n'}
      {line.map(showSpan)}
    </>
  ));
}

function showSpan({ text, style }: AnsiSpan, index: number): ComponentChildren {
  const names = classesOf(style);
  const shown = visible(text);
  if (names === '' && typeof style.colour !== 'string' && typeof style.background !== 'string') return shown;
  const colours = {
    ...(typeof style.colour === 'string' && { color: style.colour }),
    ...(typeof style.background === 'string' && { backgroundColor: style.background }),
  };
  return (
    <span key={index} class={names} style={colours}>
      {shown}
    </span>
  );
}

function classesOf({ colour, background, bold, faint, italic, underlined, inverse }: AnsiStyle): string {
  return [
    typeof colour === 'number' && `fg-${colour}`,
    typeof background === 'number' && `bg-${background}`,
    bold && 'bold',
    faint && 'faint',
    italic && 'italic',
    underlined && 'underlined',
    inverse && 'inverse',
  ]
    .filter(Boolean)
    .join(' ');
}
