import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { Button } from '../../ui/button.js';
import { Icon } from '../../ui/icon.js';
import { bytes } from '../../ui/numbers.js';
import { visible } from '../../ui/safe-text.js';
import { parseMarkdown, type Block } from '../markdown/blocks.js';
import type { Inline } from '../markdown/inline.js';
import { Code } from './code.js';

/** A part that is parsed and shown at once (characters). */
const PIECE = 10_000;
const HEADINGS = ['h3', 'h3', 'h4', 'h5', 'h6', 'h6'] as const;

/** A text in Markdown as elements of the page. Long ones are shown piece by piece. */
export function Markdown({ text }: { text: string }) {
  const count = useSignal(1);
  const shown: ComponentChildren[] = [];
  let at = 0;
  for (let index = 0; index < count.value && at < text.length; index += 1) {
    const end = endOfPiece(text, at);
    shown.push(<Piece key={index} text={text.slice(at, end)} />);
    at = end;
  }
  return (
    <div class="markdown">
      {shown}
      {at < text.length && (
        <Button kind="quiet" onClick={() => (count.value += 1)}>
          Show more ({bytes(text.length - at)})
        </Button>
      )}
    </div>
  );
}

/** Pieces end at an empty line or a line, if there is one near. */
function endOfPiece(text: string, from: number): number {
  const limit = from + PIECE;
  if (text.length <= limit) return text.length;
  for (const end of ['\n\n', '\n', ' ']) {
    const at = text.lastIndexOf(end, limit);
    if (at > from + PIECE / 2) return at + 1;
  }
  return limit;
}

function Piece({ text }: { text: string }) {
  const blocks = useMemo(() => parseMarkdown(visible(text)), [text]);
  return <>{blocks.map(showBlock)}</>;
}

function showBlock(block: Block, index: number): ComponentChildren {
  switch (block.type) {
    case 'heading': {
      const Heading = HEADINGS[block.level - 1] ?? 'h6';
      return <Heading key={index}>{block.children.map(showInline)}</Heading>;
    }
    case 'code':
      return <Code key={index} text={block.text} language={block.language} />;
    case 'quote':
      return <blockquote key={index}>{block.children.map(showBlock)}</blockquote>;
    case 'list':
      return <List key={index} block={block} />;
    case 'table':
      return <Table key={index} block={block} />;
    case 'rule':
      return <hr key={index} />;
    default:
      return <p key={index}>{block.children.map(showInline)}</p>;
  }
}

function List({ block }: { block: Extract<Block, { type: 'list' }> }) {
  const items = block.items.map(({ checked, children }, index) => (
    <li key={index} class={checked === null ? undefined : 'check-item'}>
      {checked !== null && (
        <span class={checked ? 'box checked' : 'box'} role="img" aria-label={checked ? 'done' : 'not done'}>
          {checked && <Icon name="check" />}
        </span>
      )}
      {/* A short item is no paragraph. */}
      {children.map((child, at) =>
        child.type === 'paragraph' && at === 0 ? (
          <span key={at}>{child.children.map(showInline)}</span>
        ) : (
          showBlock(child, at)
        ),
      )}
    </li>
  ));
  return block.start === null ? <ul>{items}</ul> : <ol start={block.start}>{items}</ol>;
}

function Table({ block }: { block: Extract<Block, { type: 'table' }> }) {
  const alignment = (column: number) => ({ textAlign: block.align[column] ?? 'left' });
  return (
    <div class="table-scroll" tabIndex={0} role="group" aria-label="Table">
      <table>
        <thead>
          <tr>
            {block.header.map((cell, column) => (
              <th key={column} style={alignment(column)}>
                {cell.map(showInline)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {block.rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column} style={alignment(column)}>
                  {cell.map(showInline)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {block.omitted > 0 && <p class="note">{block.omitted.toLocaleString()} further rows are not shown.</p>}
    </div>
  );
}

function showInline(inline: Inline, index: number): ComponentChildren {
  switch (inline.type) {
    case 'text':
      return inline.text;
    case 'code':
      return <code key={index}>{inline.text}</code>;
    case 'break':
      return <br key={index} />;
    case 'strong':
      return <strong key={index}>{inline.children.map(showInline)}</strong>;
    case 'emphasis':
      return <em key={index}>{inline.children.map(showInline)}</em>;
    case 'deleted':
      return <del key={index}>{inline.children.map(showInline)}</del>;
    default:
      return (
        <a key={index} href={inline.url} title={inline.url} target="_blank" rel="noopener noreferrer">
          {inline.children.map(showInline)}
        </a>
      );
  }
}
