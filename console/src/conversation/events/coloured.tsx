import type { ComponentChildren } from 'preact';
import { visible } from '../../ui/safe-text.js';
import { parseAnsi, type AnsiSpan, type AnsiStyle } from '../terminal/ansi.js';

/** Terminal output with its colours. */
export function coloured(text: string): ComponentChildren {
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
